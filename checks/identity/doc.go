// Package identity reads what the DNS says about those we send as: the addresses of
// a host name ([Addresses]), and the addresses that a domain's SPF record authorises
// ([Flatten]).
//
// SPF (RFC 7208) is a TXT record by which a domain names the hosts that may send in
// its name: "v=spf1 ip4:192.0.2.0/28 mx include:spf.example.net -all". A receiver
// evaluates it for one address. Here it is turned around: which addresses would pass?
// That is what there is to watch. Nothing is evaluated here, and no mail is judged.
package identity
