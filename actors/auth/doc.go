// Package auth knows who a client is and what an ACL lets it do. Schemes are providers in a registry; world, auth
// and super are built in, ip and digest are registered by default. A provider of one's own (or x509, sasl) is one
// type with five methods.
package auth
