// Package server assembles the house: it reads the configuration, sets up logging, builds persistence, actors and (in an
// ensemble) the cluster in the order in which requests flow, and stops them in reverse.
//
// What enters: zoo.cfg, environment, flags (LoadConfig), connections and signals. What leaves: replies to clients, answers
// to four-letter words and HTTP commands, log lines, metrics. What must always hold: only this package knows the names of
// the configuration's keys; every other layer gets typed options. A configuration is either taken whole or refused with
// all its problems named; it never changes while the server runs.
package server
