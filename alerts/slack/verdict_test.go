package slack

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"reputed/alerts"
	"reputed/alerts/alertstest"
)

func TestWebhookAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
		says   string
	}{
		"ok":                              {alertstest.Say(200, "ok"), alertstest.Yes, ""},
		"ok with a line break":            {alertstest.Say(200, "ok\n"), alertstest.Yes, ""},
		"200 that is no ok":               {alertstest.Say(200, "<html>log in</html>"), alertstest.Again, "not yes"},
		"200 without a body":              {alertstest.Say(200, ""), alertstest.Again, "not yes"},
		"an invalid token":                {alertstest.Say(403, "invalid_token"), alertstest.Never, "make a new one"},
		"a webhook that was removed":      {alertstest.Say(404, "no_service"), alertstest.Never, "make a new one"},
		"a channel that is gone":          {alertstest.Say(404, "channel_not_found"), alertstest.Never, "invite the app"},
		"an archived channel":             {alertstest.Say(410, "channel_is_archived"), alertstest.Never, "archived"},
		"not allowed":                     {alertstest.Say(403, "action_prohibited"), alertstest.Never, "make a new one"},
		"a refused message":               {alertstest.Say(400, "invalid_payload"), alertstest.Never, "report it"},
		"a 4xx nobody knows":              {alertstest.Say(400, "brand_new_reason"), alertstest.Never, "look the word up"},
		"a 4xx without a word":            {alertstest.Say(404, ""), alertstest.Never, "status 404"},
		"a request time-out may pass":     {alertstest.Say(408, ""), alertstest.Again, "408"},
		"500":                             {alertstest.Say(500, "<html>oops</html>"), alertstest.Again, "500"},
		"503 with its time is tried as 5": {alertstest.Say(503, "", "Retry-After", "5"), alertstest.Again, "503"},
		"a redirect is not followed":      {alertstest.Say(302, "", "Location", "https://evil.example/"), alertstest.Again, "redirect"},
		"429 with seconds":                {alertstest.Say(429, "rate_limited", "Retry-After", "30"), alertstest.Later, "no more messages"},
		"429 with a date":                 {alertstest.Say(429, "", "Retry-After", "Wed, 25 Nov 2026 10:00:00 GMT", "Date", "Wed, 25 Nov 2026 09:59:00 GMT"), alertstest.Later, ""},
		"429 without a time":              {alertstest.Say(429, ""), alertstest.Later, ""},
		"a reply without end":             {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }, alertstest.Again, "longer"},
	} {
		t.Run(name, func(t *testing.T) {
			err := newDouble(t, c.answer).webhook(t).Notify(t.Context(), alertstest.Opened())
			if got := alertstest.Outcome(err); got != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %s (%v), want %s with %q", got, err, c.want, c.says)
			}
			noSecret(t, err)
		})
	}
}

func TestBotAnswers(t *testing.T) {
	failed := func(word string) http.HandlerFunc { return alertstest.Say(200, `{"ok":false,"error":"`+word+`"}`) }
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
		says   string
	}{
		"ok":                             {alertstest.Say(200, `{"ok":true,"channel":"C1","ts":"1.2"}`), alertstest.Yes, ""},
		"ok false without a word":        {alertstest.Say(200, `{"ok":false}`), alertstest.Again, "answered no"},
		"an empty word":                  {failed(""), alertstest.Again, "answered no"},
		"no JSON":                        {alertstest.Say(200, "ok"), alertstest.Again, "not Slack's"},
		"empty JSON":                     {alertstest.Say(200, "{}"), alertstest.Again, "answered no"},
		"an invalid token":               {failed("invalid_auth"), alertstest.Never, "make a new one"},
		"a scope that is missing":        {failed("missing_scope"), alertstest.Never, "chat:write"},
		"a channel that is not there":    {failed("channel_not_found"), alertstest.Never, "invite the app"},
		"not in the channel":             {failed("not_in_channel"), alertstest.Never, "/invite"},
		"refused blocks":                 {failed("invalid_blocks"), alertstest.Never, "report it"},
		"trouble of Slack's own":         {failed("internal_error"), alertstest.Again, "internal_error"},
		"a word nobody knows":            {failed("brand_new_reason"), alertstest.Again, "brand_new_reason"},
		"too fast by its word":           {failed("ratelimited"), alertstest.Later, "no more messages"},
		"429 with seconds":               {alertstest.Say(429, "", "Retry-After", "30"), alertstest.Later, ""},
		"429 with a date":                {alertstest.Say(429, "", "Retry-After", "Wed, 25 Nov 2026 10:00:00 GMT"), alertstest.Later, ""},
		"429 without a time":             {alertstest.Say(429, ""), alertstest.Later, ""},
		"a 4xx of what stands before it": {alertstest.Say(403, "<html>no</html>"), alertstest.Never, "status 403"},
		"a 4xx with Slack's word":        {alertstest.Say(401, `{"ok":false,"error":"invalid_auth"}`), alertstest.Never, "make a new one"},
		"500":                            {alertstest.Say(500, "<html>oops</html>"), alertstest.Again, "500"},
		"a redirect is not followed":     {alertstest.Say(307, "", "Location", "https://evil.example/"), alertstest.Again, "redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			err := newDouble(t, c.answer).bot(t).Notify(t.Context(), alertstest.Opened())
			if got := alertstest.Outcome(err); got != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
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
			err := newDouble(t, alertstest.Say(429, "", c.header...)).webhook(t).Notify(t.Context(), alertstest.Opened())
			var retry *alerts.RetryError
			if !errors.As(err, &retry) || retry.After != c.want {
				t.Errorf("got %v, want to wait %s", err, c.want)
			}
		})
	}
}
