package post

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"reputed/alerts"
)

// Reach asks the server of the address for the headers of its front page: with nothing of the path,
// no secret and no credentials, so that nothing is told and nothing is proved but that it is there
// and has a certificate that is trusted. Any reply will do.
func (c *Client) Reach(ctx context.Context) (r alerts.Reached, err error) {
	u, err := url.Parse(c.options.URL)
	if err != nil {
		return r, c.Scrub(err)
	}
	front := url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, front.String(), nil)
	if err != nil {
		return r, c.Scrub(err)
	}
	req.Header.Set("User-Agent", "reputed")
	x, client := c.Exchange()
	resp, err := client.Do(req)
	if err != nil {
		return r, c.Scrub(NoAnswer(err))
	}
	_ = resp.Body.Close() // read already, by the exchange
	r.Clock = Clock(x.Reply)
	return r, nil
}

// Clock is what a server takes the time for (RFC 9110 section 6.6.1), to the second; zero: it did not say.
func Clock(r Reply) time.Time {
	at, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
