// Package slack tells one Slack channel, through an incoming webhook or as a bot
// (chat.postMessage).
//
// The message says what happened, since when, how we know, what it costs and
// what to do first, in that order ([New], [Notifier.Notify]); [Preview] shows it on a
// terminal, drawn from the very blocks that are sent.
//
// Slack's text is markup: "<!channel>" in a bounce would wake a company, and
// "<https://...|text>" hides where a link leads. So everything stands in block types whose
// text Slack does not interpret (plain_text headers, rich_text), with & < >
// escaped on top, links only as link elements that show their address, and no unfurling.
// The fallback text, which phones show and which is markup, loses every
// character that could format.
//
// Delivery is at least once: only a clear yes ("ok" from a webhook, "ok": true from the
// API) is one. Whatever may pass later is an error to be tried again; only what
// Slack will never take wraps alerts.ErrRefused. Webhook address and token stand
// in no error.
package slack
