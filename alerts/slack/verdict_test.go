package slack

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
)

func TestWebhookAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
		says   string
	}{
		"ok":                              {say(200, "ok"), yes, ""},
		"ok with a line break":            {say(200, "ok\n"), yes, ""},
		"200 that is no ok":               {say(200, "<html>log in</html>"), again, "not yes"},
		"200 without a body":              {say(200, ""), again, "not yes"},
		"an invalid token":                {say(403, "invalid_token"), never, "make a new one"},
		"a webhook that was removed":      {say(404, "no_service"), never, "make a new one"},
		"a channel that is gone":          {say(404, "channel_not_found"), never, "invite the app"},
		"an archived channel":             {say(410, "channel_is_archived"), never, "archived"},
		"not allowed":                     {say(403, "action_prohibited"), never, "make a new one"},
		"a refused message":               {say(400, "invalid_payload"), never, "report it"},
		"a 4xx nobody knows":              {say(400, "brand_new_reason"), never, "look the word up"},
		"a 4xx without a word":            {say(404, ""), never, "status 404"},
		"a request time-out may pass":     {say(408, ""), again, "408"},
		"500":                             {say(500, "<html>oops</html>"), again, "500"},
		"503 with its time is tried as 5": {say(503, "", "Retry-After", "5"), again, "503"},
		"a redirect is not followed":      {say(302, "", "Location", "https://evil.example/"), again, "redirect"},
		"429 with seconds":                {say(429, "rate_limited", "Retry-After", "30"), later, "no more messages"},
		"429 with a date":                 {say(429, "", "Retry-After", "Wed, 25 Nov 2026 10:00:00 GMT", "Date", "Wed, 25 Nov 2026 09:59:00 GMT"), later, ""},
		"429 without a time":              {say(429, ""), later, ""},
		"a reply without end":             {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }, again, "longer"},
	} {
		t.Run(name, func(t *testing.T) {
			err := newDouble(t, c.answer).webhook(t).Notify(t.Context(), opened())
			if got := outcome(err); got != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %s (%v), want %s with %q", got, err, c.want, c.says)
			}
			noSecret(t, err)
		})
	}
}

func TestBotAnswers(t *testing.T) {
	failed := func(word string) http.HandlerFunc { return say(200, `{"ok":false,"error":"`+word+`"}`) }
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
		says   string
	}{
		"ok":                             {say(200, `{"ok":true,"channel":"C1","ts":"1.2"}`), yes, ""},
		"ok false without a word":        {say(200, `{"ok":false}`), again, "answered no"},
		"an empty word":                  {failed(""), again, "answered no"},
		"no JSON":                        {say(200, "ok"), again, "not Slack's"},
		"empty JSON":                     {say(200, "{}"), again, "answered no"},
		"an invalid token":               {failed("invalid_auth"), never, "make a new one"},
		"a scope that is missing":        {failed("missing_scope"), never, "chat:write"},
		"a channel that is not there":    {failed("channel_not_found"), never, "invite the app"},
		"not in the channel":             {failed("not_in_channel"), never, "/invite"},
		"refused blocks":                 {failed("invalid_blocks"), never, "report it"},
		"trouble of Slack's own":         {failed("internal_error"), again, "internal_error"},
		"a word nobody knows":            {failed("brand_new_reason"), again, "brand_new_reason"},
		"too fast by its word":           {failed("ratelimited"), later, "no more messages"},
		"429 with seconds":               {say(429, "", "Retry-After", "30"), later, ""},
		"429 with a date":                {say(429, "", "Retry-After", "Wed, 25 Nov 2026 10:00:00 GMT"), later, ""},
		"429 without a time":             {say(429, ""), later, ""},
		"a 4xx of what stands before it": {say(403, "<html>no</html>"), never, "status 403"},
		"a 4xx with Slack's word":        {say(401, `{"ok":false,"error":"invalid_auth"}`), never, "make a new one"},
		"500":                            {say(500, "<html>oops</html>"), again, "500"},
		"a redirect is not followed":     {say(307, "", "Location", "https://evil.example/"), again, "redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			err := newDouble(t, c.answer).bot(t).Notify(t.Context(), opened())
			if got := outcome(err); got != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %s (%v), want %s with %q", got, err, c.want, c.says)
			}
			noSecret(t, err)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	const date = "Wed, 25 Nov 2026 09:59:00 GMT"
	for name, c := range map[string]struct {
		header []string
		want   time.Duration
	}{
		"seconds":                        {[]string{"Retry-After", "30"}, 30 * time.Second},
		"zero is a second":               {[]string{"Retry-After", "0"}, time.Second},
		"a date, by the clock of theirs": {[]string{"Retry-After", "Wed, 25 Nov 2026 10:01:30 GMT", "Date", date}, 150 * time.Second},
		"a date that is past":            {[]string{"Retry-After", "Wed, 25 Nov 2026 09:00:00 GMT", "Date", date}, time.Second},
		"nothing":                        {nil, time.Minute},
		"nonsense":                       {[]string{"Retry-After", "soon"}, time.Minute},
		"less than nothing":              {[]string{"Retry-After", "-5"}, time.Minute},
		"ten years are an hour":          {[]string{"Retry-After", "315360000"}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			err := newDouble(t, say(429, "", c.header...)).webhook(t).Notify(t.Context(), opened())
			var retry *alerts.RetryError
			if !errors.As(err, &retry) || retry.After != c.want {
				t.Errorf("got %v, want to wait %s", err, c.want)
			}
		})
	}
}
