package bounce

import "strings"

// forwardMark says whether the line begins a message that was forwarded in the
// text of a mail; its header follows, up to an empty line.
func forwardMark(line string) bool {
	line = strings.Trim(line, "-= ")
	return len(line) < 40 && (foldPrefix(line, "begin forwarded message") || foldPrefix(line, "forwarded message"))
}

func foldPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && foldEqual(s[:len(prefix)], prefix)
}

// returnedWords announce the returned message in reports without MIME.
var returnedWords = newWordSet(
	"below this line is a copy of", "this is a copy of the message", "this is a copy of your message", "copy of the message, including all the headers",
	"original message follows", "message headers follow", "message header follows", "header of the original message", "the header of the original",
	"original message header", "unsent message below", "unsent message follows", "returned message follows", "returned message -", "text of your message follows",
	"your message follows", "original message -", "original message:", "message text follows", "the message header", "original mail is following",
	"undelivered message follows", "undelivered mail follows", "first few lines of the message", "start of returned", "begin returned", "headers of the message follow",
	"included is a copy of the message header", "the body of the original message", "original e-mail follows", "email follows", "message is following",
	"original message headers", "message body follows", "following is the original message", "enclosed is the original",
	"a copy of your message is below", "message contents follow", "original message text", "the first 50 lines", "the returned message",
)

// returnedMarker says whether the line begins the returned message, and
// whether the line itself is already part of it.
func returnedMarker(line string) (marker, inclusive bool) {
	if len(line) < 120 {
		if c := line[0]; c == '-' || c == '=' || c == '*' || c == '_' || line[len(line)-1] == ':' {
			switch strings.ToLower(strings.Trim(line, "-=*_:. ")) {
			case "original message", "returned message", "original mail", "message headers", "message header", "original headers", "headers", "unsent message":
				return true, false
			}
		}
		if returnedWords.in(line) {
			return true, false
		}
	}
	if line[0] == 'R' || line[0] == 'D' || line[0] == 'M' || line[0] == 'r' || line[0] == 'X' {
		for _, name := range []string{"Received: ", "Return-Path: ", "Return-path: ", "DKIM-Signature: ", "MIME-Version: ", "Mime-Version: ", "X-Originating-IP: "} {
			if strings.HasPrefix(line, name) {
				return true, true
			}
		}
	}
	return false, false
}
