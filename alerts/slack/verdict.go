package slack

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"reputed/alerts"
	"reputed/alerts/post"
	"reputed/checks"
)

// refusal is a no of Slack that stays a no.
type refusal struct {
	word   string // Slack's own: "invalid_auth"
	advice string
	format bool // the blocks were refused, not the sender
}

func (e *refusal) Error() string {
	return fmt.Sprintf("%s: %s: %v", e.word, e.advice, alerts.ErrRefused)
}

func (e *refusal) Unwrap() error { return alerts.ErrRefused }

// answeredNo is a no of Slack that may pass.
type answeredNo struct{ word string }

func (e *answeredNo) Error() string { return fmt.Sprintf("answered no: %q", e.word) }

// lost says whether a message of ours, or its thread, is not there any more.
func lost(err error) bool {
	word := ""
	var refused *refusal
	var no *answeredNo
	switch {
	case errors.As(err, &refused):
		word = refused.word
	case errors.As(err, &no):
		word = no.word
	}
	switch word {
	case "thread_not_found", "message_not_found", "invalid_thread_ts", "cannot_reply_to_message", "channel_not_found", "is_archived", "not_in_channel":
		return true
	}
	return false
}

// advice is what to do about the words that Slack refuses with: what a webhook says
// as text and the API in "error"
// (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
// docs.slack.dev/reference/methods/chat.postMessage, read 2026-11-22).
func advice(word string) (what string, known bool) {
	switch word {
	case "invalid_auth", "not_authed", "invalid_token", "token_revoked", "token_expired", "account_inactive", "no_permission":
		return "the token or webhook is not valid any more; make a new one in the app's settings and reload", true
	case "missing_scope", "not_allowed_token_type":
		return "the token lacks the scope chat:write; add it, install the app again and reload", true
	case "channel_not_found":
		return "the channel does not exist for this app; check its name or id, and invite the app if it is private", true
	case "not_in_channel":
		return "the app is not in the channel; invite it with /invite", true
	case "is_archived", "channel_is_archived":
		return "the channel is archived; open it again or name another", true
	case "no_service", "no_service_id", "invalid_webhook", "action_prohibited":
		return "the webhook was switched off or removed; make a new one in the app's settings and reload", true
	case "no_team", "team_disabled", "team_not_found", "team_access_not_granted", "org_login_required":
		return "the workspace is gone or does not let the app in; ask its administrator", true
	case "restricted_action", "restricted_action_read_only_channel", "posting_to_general_channel_denied", "posting_to_channel_denied", "access_denied", "ekm_access_denied":
		return "the workspace does not let the app write there; ask its administrator, or name another channel", true
	case "user_not_found":
		return "the recipient does not exist any more; name a channel", true
	}
	return "", false
}

// badFormat are the words for a message that is not taken as it is.
func badFormat(word string) bool {
	switch word {
	case "invalid_payload", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long",
		"invalid_attachments", "too_many_attachments", "no_text", "block_mismatch", "invalid_arguments":
		return true
	}
	return false
}

// refused makes the error for a word of Slack.
func refused(word string) error {
	if badFormat(word) {
		return &refusal{word: word, advice: "Slack does not take this message; report it with the output of the command that shows the incident", format: true}
	}
	what, known := advice(word)
	if !known {
		what = "Slack will not take it; look the word up in Slack's documentation of incoming webhooks and chat.postMessage"
	}
	return &refusal{word: word, advice: what}
}

// webhookVerdict reads a webhook's reply: 200 and the text "ok" is yes.
func webhookVerdict(r post.Reply) error {
	word := r.Said()
	switch {
	case r.Status == http.StatusOK && strings.TrimSpace(string(r.Body)) == "ok":
		return nil
	case r.Status >= 400 && r.Status < 500 && !post.Passes(r.Status):
		return refused(cmp.Or(word, "status "+strconv.Itoa(r.Status)))
	}
	return statusVerdict(r, word)
}

// apiVerdict reads the API's reply: 200 and "ok": true is yes. An empty
// "error" with "ok": false is no yes, though the library takes it for one.
func apiVerdict(r post.Reply) error {
	if r.Status != http.StatusOK {
		if r.Status >= 400 && r.Status < 500 && !post.Passes(r.Status) {
			return refused(cmp.Or(apiError(r.Body), "status "+strconv.Itoa(r.Status)))
		}
		return statusVerdict(r, r.Said())
	}
	var reply struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(r.Body, &reply); err != nil {
		return fmt.Errorf("the answer is not Slack's: %q; check api_url", r.Said())
	}
	word := checks.Line(reply.Error, 60)
	switch {
	case reply.OK:
		return nil
	case word == "ratelimited" || word == "rate_limited":
		return r.TooFast()
	case badFormat(word):
		return refused(word)
	}
	if _, known := advice(word); known {
		return refused(word)
	}
	// internal_error, service_unavailable, or a word of next year: a useless
	// try costs less than an alert that nobody gets.
	return &answeredNo{word}
}

// statusVerdict is for what may pass: 429, 5xx, a redirect, a 200 that is no yes.
func statusVerdict(r post.Reply, word string) error {
	if r.Status >= 200 && r.Status < 300 {
		return fmt.Errorf("answered %d, but not yes: %q", r.Status, word)
	}
	return r.Verdict("")
}

func apiError(body []byte) string {
	var reply struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(body, &reply) // not JSON: no word
	return checks.Line(reply.Error, 60)
}
