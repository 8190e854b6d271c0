//go:build unix

package serverstest

import (
	"bytes"
	"strings"
	"text/template"
)

// dovecotSettings are what differs from one Dovecot to the next.
type dovecotSettings struct {
	Dir, User, Group, Login   string
	Port                      int
	Mechanisms, Introspection string
}

// dovecotConf returns the configuration for a version: 2.4 has new names for most settings, and
// wants to be told which version they are for.
func dovecotConf(version string) (conf func(dovecotSettings) []byte, ok bool) {
	for prefix, text := range map[string]string{"2.3.": dovecotHead23 + dovecotServices + dovecotAuth23, "2.4.": dovecotHead24 + dovecotServices + dovecotAuth24} {
		if strings.HasPrefix(version, prefix) {
			t := template.Must(template.New(prefix).Parse(text))
			return func(s dovecotSettings) []byte {
				var b bytes.Buffer
				if err := t.Execute(&b, s); err != nil {
					panic(err) // the template is ours
				}
				return b.Bytes()
			}, true
		}
	}
	return nil, false
}

const dovecotHead23 = `
ssl_cert = <{{.Dir}}/cert.pem
ssl_key = <{{.Dir}}/key.pem
mail_location = maildir:~/Maildir
`

const dovecotHead24 = `dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
ssl_server_cert_file = {{.Dir}}/cert.pem
ssl_server_key_file = {{.Dir}}/key.pem
mail_driver = maildir
mail_path = ~/Maildir
`

const dovecotServices = `
base_dir = {{.Dir}}/run
state_dir = {{.Dir}}/run
log_path = {{.Dir}}/log
default_internal_user = {{.User}}
default_internal_group = {{.Group}}
default_login_user = {{.Login}}
first_valid_uid = 1
protocols = imap
auth_failure_delay = 0
auth_mechanisms = {{.Mechanisms}}
listen = 127.0.0.1
ssl = required
service anvil {
  chroot =
  # No waits after a wrong password.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = {{.Port}}
    ssl = yes
  }
}
service stats {
  chroot =
}
`

const dovecotAuth23 = `
{{if .Introspection}}passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {{.Dir}}/oauth2.conf
}
{{end}}passdb {
  driver = passwd-file
  args = scheme=plain username_format=%u {{.Dir}}/passwd
}
userdb {
  driver = passwd-file
  args = username_format=%u {{.Dir}}/passwd
}
`

const dovecotAuth24 = `
{{if .Introspection}}oauth2 {
  introspection_url = {{.Introspection}}
  introspection_mode = get
  username_attribute = username
  active_attribute = active
  active_value = true
}
passdb oauth2 {
  mechanisms_filter = oauthbearer xoauth2
}
{{end}}passdb passwd-file {
  default_password_scheme = plain
  auth_username_format = %{user}
  passwd_file_path = {{.Dir}}/passwd
}
userdb passwd-file {
  auth_username_format = %{user}
  passwd_file_path = {{.Dir}}/passwd
}
`
