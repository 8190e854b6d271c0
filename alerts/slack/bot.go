package slack

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"reputed/alerts"
	"reputed/alerts/post"
)

// BotOptions is what a bot can do beyond posting.
type BotOptions struct {
	// AppToken, "xapp-...", is for Socket Mode, and so for buttons; secret. Empty: no buttons.
	AppToken string
	Roots    alerts.Roots // nil: in memory, so that a restart begins a new message for each incident
	Log      *slog.Logger // nil: nobody hears of what fails besides alerts
}

// Bot tells one channel and comes back to what it wrote: one message an incident, edited as
// the incident changes. What is told of it later goes into the thread of that message and, since few read
// threads, into the channel as well; what changed without making it worse ([alerts.News]) into the thread alone.
// It may be used from several goroutines.
type Bot struct {
	notifier *Notifier
	options  BotOptions
	app      *post.Client // for the connection of Socket Mode; nil without one

	pressed map[string]bool // presses of late, of Listen alone: Slack repeats what it thinks was not heard

	mu    sync.Mutex          // held while a message is edited, so that the end is not overtaken by a picture from before it
	shown map[string][32]byte // thread, and what its message shows: only what differs is sent

	firstPause time.Duration // before connecting again
}

var (
	_ alerts.Follower = (*Bot)(nil)
	_ alerts.Listener = (*Bot)(nil)
	_ alerts.Reacher  = (*Bot)(nil)
)

// Reach is that of the channel's token.
func (b *Bot) Reach(ctx context.Context) (alerts.Reached, error) { return b.notifier.Reach(ctx) }

// NewBot checks the options, which need a token. Errors are those of [New].
func NewBot(o Options, b BotOptions) (*Bot, error) {
	n, err := New(o)
	if err != nil {
		return nil, err
	}
	if o.Token == "" {
		return nil, fmt.Errorf("slack channel %q: a webhook cannot come back to what it wrote: set token and channel", n.options.Name)
	}
	if b.Roots == nil {
		b.Roots = &memory{}
	}
	if b.Log == nil {
		b.Log = slog.New(slog.DiscardHandler)
	}
	bot := &Bot{notifier: n, options: b, shown: map[string][32]byte{}, pressed: map[string]bool{}, firstPause: time.Second}
	if b.AppToken != "" {
		if !strings.HasPrefix(b.AppToken, "xapp-") || strings.ContainsFunc(b.AppToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("slack channel %q: the app token is not one that begins with \"xapp-\"; copy it again", n.options.Name)
		}
		reach := post.Options{URL: n.options.APIURL, Public: true, Secrets: []string{b.AppToken, o.Token}, Rules: o.Rules, Timeout: o.Timeout}
		if o.HTTPClient != nil {
			reach.Transport = o.HTTPClient.Transport
		}
		if bot.app, err = post.New("the API address", reach); err != nil {
			return nil, fmt.Errorf("slack channel %q: %w", n.options.Name, err)
		}
	}
	return bot, nil
}

// Notify writes the message of an incident, or answers it and edits it. It returns nil once
// Slack has said yes to what is new; an edit that fails is made up for by [Bot.Follow].
func (b *Bot) Notify(ctx context.Context, note alerts.Notification) error {
	note.Rehearsal = note.Rehearsal || b.notifier.options.Rehearsal
	if note.General() {
		return b.notifier.Notify(ctx, note)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	thread := note.Thread()
	if root, ok := b.root(ctx, thread); ok {
		_, err := b.notifier.deliver(ctx, build(note), place{channel: root.channel, thread: root.ts, aside: note.News != nil})
		switch {
		case err == nil && note.News != nil:
			return nil // the message shows it already, or will within a minute ([Bot.Follow])
		case err == nil:
			b.edit(ctx, root, note)
			if note.Kind == alerts.Ended {
				b.forget(ctx, thread)
			}
			return nil
		case !lost(err):
			return err
		}
		b.forget(ctx, thread) // somebody has deleted it, or the channel is another
	}
	note.News = nil // without a message to answer, the message itself, which shows all of it
	sent, err := b.notifier.deliver(ctx, b.message(note), place{})
	if err != nil || note.Kind == alerts.Ended || sent.ts == "" {
		return err
	}
	// A crash before this line costs a second message, and no alert.
	if err := b.options.Roots.SetRoot(ctx, b.name(), thread, b.handle(sent)); err != nil {
		b.options.Log.LogAttrs(ctx, slog.LevelWarn, "message of an incident not remembered", slog.String("channel", b.name()), slog.Any("err", err))
	}
	b.shown[thread] = b.sum(note)
	return nil
}

// maxEdits is how many messages one call of [Bot.Follow] edits at most: Slack lets an app
// edit some 50 a minute, and the rest comes with the next call.
const maxEdits = 20

// Follow edits the messages of incidents that look different by now.
func (b *Bot) Follow(ctx context.Context, open []alerts.Notification) error {
	var failed error
	edits := 0
	still := map[string]bool{}
	for _, note := range open {
		still[note.Thread()] = true
		if edits < maxEdits && ctx.Err() == nil {
			edited, err := b.refresh(ctx, note)
			if edited {
				edits++
			}
			failed = errors.Join(failed, err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for thread := range b.shown {
		if !still[thread] {
			delete(b.shown, thread)
		}
	}
	return failed
}

func (b *Bot) refresh(ctx context.Context, note alerts.Notification) (edited bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	thread := note.Thread()
	if b.shown[thread] == b.sum(note) {
		return false, nil
	}
	root, ok := b.root(ctx, thread)
	if !ok {
		return false, nil // not told yet, or over by now
	}
	return true, b.edit(ctx, root, note)
}

// edit makes a message show the incident as it is.
func (b *Bot) edit(ctx context.Context, root place, note alerts.Notification) error {
	thread := note.Thread()
	delete(b.shown, thread) // whatever comes of it, it is not as it was
	if note.News = nil; note.Kind != alerts.Ended {
		note.Kind = alerts.Updated // the message is no reminder
	}
	_, err := b.notifier.send(ctx, b.message(note), place{channel: root.channel, ts: root.ts})
	if err != nil && !errors.Is(err, alerts.ErrRefused) && !lost(err) {
		return b.notifier.client.Scrub(fmt.Errorf("slack channel %q: edit the message of incident %d: %w", b.name(), note.Incident.ID, err))
	}
	b.shown[thread] = b.sum(note) // also if it is refused: the next time it would be, too
	return nil
}

// sum is what a message shows of an incident that is open.
func (b *Bot) sum(note alerts.Notification) [32]byte {
	note.Kind, note.News = alerts.Updated, nil
	raw, err := json.Marshal(slack.Blocks{BlockSet: b.message(note).blocks})
	if err != nil {
		return [32]byte{}
	}
	return sha256.Sum256(raw)
}

// message is what stands for an incident, with its buttons.
func (b *Bot) message(note alerts.Notification) message {
	m := build(note)
	if b.app != nil {
		m.blocks = append(m.blocks, buttons(note)...)
	}
	return m
}

func (b *Bot) name() string { return b.notifier.options.Name }

// handle is a place in words that have no blanks; the channel of the configuration is among
// them, for it may be another tomorrow.
func (b *Bot) handle(at place) string {
	return strings.Join([]string{at.channel, at.ts, strings.ReplaceAll(b.notifier.options.Channel, " ", "")}, " ")
}

func (b *Bot) root(ctx context.Context, thread string) (place, bool) {
	handle, err := b.options.Roots.Root(ctx, b.name(), thread)
	if err != nil {
		b.options.Log.LogAttrs(ctx, slog.LevelWarn, "message of an incident not remembered", slog.String("channel", b.name()), slog.Any("err", err))
		return place{}, false
	}
	parts := strings.Split(handle, " ")
	if len(parts) != 3 || handle != b.handle(place{channel: parts[0], ts: parts[1]}) {
		return place{}, false
	}
	return place{channel: parts[0], ts: parts[1]}, true
}

func (b *Bot) forget(ctx context.Context, thread string) {
	delete(b.shown, thread)
	if err := b.options.Roots.SetRoot(ctx, b.name(), thread, ""); err != nil {
		b.options.Log.LogAttrs(ctx, slog.LevelWarn, "message of an incident not forgotten", slog.String("channel", b.name()), slog.Any("err", err))
	}
}

// memory is [alerts.Roots] until the process ends.
type memory struct{ roots sync.Map }

func (m *memory) Root(_ context.Context, channel, thread string) (string, error) {
	handle, _ := m.roots.Load([2]string{channel, thread})
	s, _ := handle.(string)
	return s, nil
}

func (m *memory) SetRoot(_ context.Context, channel, thread, handle string) error {
	if handle == "" {
		m.roots.Delete([2]string{channel, thread})
		return nil
	}
	m.roots.Store([2]string{channel, thread}, handle)
	return nil
}
