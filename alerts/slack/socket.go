package slack

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"

	"reputed/alerts"
	"reputed/alerts/post"
	"reputed/checks"
)

// The connection of Socket Mode is made here and not by the library, whose client reads without
// limit, goes through a proxy of the environment, connects again without a pause and leaves
// its reader behind.
const (
	maxFrameBytes = 256 << 10 // of one payload, in which Slack repeats the message that was pressed
	// silentFor is how long a connection may be silent: Slack pings every half minute or so.
	silentFor = 2 * time.Minute
	maxPause  = 15 * time.Minute
	// steady is how long a connection has to stand for the next one to be made at once.
	steady       = time.Minute
	writeTimeout = 10 * time.Second
	actTimeout   = 10 * time.Second
	maxPressed   = 1000
)

// Listen implements [alerts.Listener]; without an app token it returns at once.
func (b *Bot) Listen(ctx context.Context, act func(context.Context, alerts.Press) (string, error)) {
	if b.app == nil {
		return
	}
	pause, failing := b.firstPause, false
	for ctx.Err() == nil {
		began := time.Now()
		err := b.connection(ctx, act, func() {
			if failing {
				failing = false
				b.options.Log.LogAttrs(ctx, slog.LevelInfo, "buttons work again", slog.String("channel", b.name()))
			}
		})
		if ctx.Err() != nil {
			return
		}
		var retry *alerts.RetryError
		switch {
		case err == nil, time.Since(began) > steady: // Slack takes a connection down every few hours
			pause = b.firstPause
		case errors.Is(err, alerts.ErrRefused):
			pause = maxPause
		case errors.As(err, &retry):
			pause = max(b.firstPause, min(retry.After, maxPause))
		default:
			pause = min(2*pause, maxPause)
		}
		if err != nil && !failing {
			failing = true
			b.options.Log.LogAttrs(ctx, slog.LevelWarn, "buttons do not work, will connect again", slog.String("channel", b.name()), slog.Any("err", err))
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// envelope is what comes by the connection
// (docs.slack.dev/apis/events-api/using-socket-mode, read 2026-11-25).
type envelope struct {
	Type    string          `json:"type"`
	ID      string          `json:"envelope_id"`
	Payload json.RawMessage `json:"payload"`
}

// connection is one connection from its opening to its end; nil if Slack asked for another.
func (b *Bot) connection(ctx context.Context, act func(context.Context, alerts.Press) (string, error), heard func()) error {
	conn, err := b.connect(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the library knows no context
	defer stop()
	defer conn.Close()
	conn.SetReadLimit(maxFrameBytes)
	alive := func() { _ = conn.SetReadDeadline(time.Now().Add(silentFor)) }
	conn.SetPingHandler(func(data string) error {
		alive()
		return conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout))
	})
	for {
		alive()
		_, raw, err := conn.ReadMessage()
		if err != nil {
			return fmt.Errorf("connection lost: %w", err)
		}
		var e envelope
		if json.Unmarshal(raw, &e) != nil {
			continue
		}
		switch e.Type {
		case "hello":
			heard()
			continue
		case "disconnect":
			return nil
		}
		if e.ID == "" {
			continue
		}
		// At once: what is not acknowledged within 3 s comes again.
		_ = conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		if err := conn.WriteJSON(map[string]string{"envelope_id": e.ID}); err != nil {
			return fmt.Errorf("connection lost: %w", err)
		}
		if e.Type == "interactive" {
			for _, p := range presses(e.Payload, time.Now()) {
				b.press(ctx, p, act)
			}
		}
	}
}

// connect asks the API where to connect to, and does.
func (b *Bot) connect(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*b.app.Timeout())
	defer cancel()
	x, client := b.app.Exchange()
	api := slack.New("", slack.OptionAppLevelToken(b.options.AppToken), slack.OptionHTTPClient(client), slack.OptionAPIURL(b.notifier.options.APIURL))
	_, address, err := api.StartSocketModeContext(ctx)
	fail := func(err error) error {
		return b.app.Scrub(fmt.Errorf("slack channel %q: Socket Mode: %w", b.name(), err))
	}
	if x.Status == 0 {
		return nil, fail(post.NoAnswer(err))
	}
	if err := apiVerdict(x.Reply); err != nil {
		var no *refusal
		if errors.As(err, &no) && (no.word == "missing_scope" || no.word == "not_allowed_token_type") {
			no.advice = "app_token has to be an app-level token with the scope connections:write; make one in the app's settings and reload"
		}
		return nil, fail(err)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "wss" && (u.Scheme != "ws" || !b.app.Loopback()) {
		return nil, fail(errors.New("the API names no address that begins with wss://")) // and which one it names is a secret
	}
	route := b.app.Route()
	dialer := websocket.Dialer{NetDialContext: route.Dial, Proxy: route.ProxyFor, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, HandshakeTimeout: b.app.Timeout()}
	conn, resp, err := dialer.DialContext(ctx, address, nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		text := err.Error()
		for _, ticket := range []string{address, u.RequestURI(), u.RawQuery} {
			if len(ticket) > 1 {
				text = strings.ReplaceAll(text, ticket, "(redacted)")
			}
		}
		return nil, fail(errors.New(text))
	}
	return conn, nil
}

// press lets act do what somebody pressed, and says in the channel what came of it.
func (b *Bot) press(ctx context.Context, p press, act func(context.Context, alerts.Press) (string, error)) {
	if b.pressed[p.twice] {
		return
	}
	if len(b.pressed) >= maxPressed {
		clear(b.pressed)
	}
	b.pressed[p.twice] = true
	done, cancel := context.WithTimeout(ctx, actTimeout)
	said, err := act(done, p.Press)
	cancel()
	level, outcome := slog.LevelInfo, "done"
	if err != nil {
		level, outcome = slog.LevelWarn, checks.Line(err.Error(), 300)
	}
	b.options.Log.LogAttrs(ctx, level, "button pressed", slog.String("channel", b.name()), slog.String("button", string(p.Kind)), slog.String("by", checks.Line(p.By, 100)), slog.String("outcome", outcome))
	if err != nil {
		err = b.answer(ctx, "chat.postEphemeral", p, "Not done: "+outcome)
	} else {
		err = b.answer(ctx, "chat.postMessage", p, said)
	}
	if err != nil && ctx.Err() == nil {
		b.options.Log.LogAttrs(ctx, slog.LevelWarn, "answer to a button not taken", slog.String("channel", b.name()), slog.Any("err", err))
	}
}

// answer writes into the thread, or to one user alone.
func (b *Bot) answer(ctx context.Context, method string, p press, text string) error {
	ctx, cancel := context.WithTimeout(ctx, b.notifier.client.Timeout())
	defer cancel()
	x, client := b.notifier.client.Exchange()
	api := slack.New(b.notifier.options.Token, slack.OptionHTTPClient(client), slack.OptionAPIURL(b.notifier.options.APIURL))
	options := []slack.MsgOption{slack.MsgOptionText(plain(text, maxTextRunes), false), slack.MsgOptionParse(false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionTS(p.at.thread)}
	var err error
	if method == "chat.postEphemeral" {
		_, err = api.PostEphemeralContext(ctx, p.at.channel, p.user, options...)
	} else {
		_, _, err = api.PostMessageContext(ctx, p.at.channel, options...)
	}
	if x.Status == 0 {
		return b.notifier.client.Scrub(post.NoAnswer(err))
	}
	return b.notifier.client.Scrub(apiVerdict(x.Reply))
}
