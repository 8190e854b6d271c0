package main

// A mail is given up after its first try, so that expiry needs no waiting, and a receiver that refuses is tried each time.
const dayMain = `inet_interfaces = 127.0.0.1, ` + dayOurs + `
smtp_bind_address = ` + dayOurs + `
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_tls_security_level = none
smtpd_peername_lookup = no
mynetworks = 127.0.0.0/8, 192.0.2.0/24
mydestination =
local_recipient_maps =
smtpd_client_connection_count_limit = 0
transport_maps = texthash:{dir}/conf/transport
maximal_queue_lifetime = 0
bounce_queue_lifetime = 0
default_destination_concurrency_failed_cohort_limit = 0
virtual_mailbox_domains = example.org
virtual_mailbox_base = %[1]s
virtual_mailbox_maps = static:Maildir/
virtual_minimum_uid = 1
virtual_uid_maps = static:%[2]d
virtual_gid_maps = static:%[3]d
`

const dayMaster = dayOurs + `:25 inet n - n - - smtpd
virtual unix - n n - - virtual
`

const dayConfig = `
[dns]
servers = ["127.0.0.1:53"]
mode = "resolver"
confirm = "100ms"
probe = "example.org"

[blocklists]
builtin = false
[[blocklists.list]]
id = "spamcop"
zone = "` + spamCopZone + `"
title = "SpamCop"
severity = "major"
[[blocklists.list]]
id = "psbl"
zone = "` + psblZone + `"
title = "PSBL"
severity = "major"
[[blocklists.list]]
id = "partner"
zone = "` + partnerZone + `"
[[blocklists.list]]
id = "names"
zone = "` + namesZone + `"
title = "Names"
families = ["domain"]
severity = "major"

[identity]
enabled = false # what is published has a test of its own

[[outbound]]
pool = "office"
addresses = ["` + dayOurs + `", "` + daySpare + `"]
domains = ["example.org"]
hosts = { "mx1.example.org" = "` + dayOurs + `" }

[acceptance]
helo = "mx1.example.org"
schedule = "@every 1h"
jitter = "0s"
sample = "all"
choose = 0
[[acceptance.receiver]]
domain = "example.net"
hosts = ["%s"]
[[acceptance.receiver]]
domain = "example.com"
hosts = ["%s"]

[schedule]
dnsbl = "@every 1m"
jitter = "0s"

[[mailbox]]
name = "bounces"
server = "%s"
ca_file = "%s"
user = "bounces@example.org"
password = "env:DAY_PASSWORD"
poll = "10s"

[[maillog]]
name = "mail"
path = "%s"
format = "postfix"

[bounces]
quiet = "%s"

[[webhook]]
name = "chat"
url = "env:DAY_CHAT"

[web]
listen = "` + dayPage + `"

[database]
path = "reputed.db"
`
