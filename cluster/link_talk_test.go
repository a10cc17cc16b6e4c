package cluster

import (
	"strconv"
	"testing"
)

func TestTalkTellsNowAndThen(t *testing.T) {
	var one talk
	told := 0
	for tenth := range int64(36_000) { // an hour of attempts
		if one.worth("connection refused", 1_000_000+tenth*100_000) {
			told++
		}
	}
	if told != 60 {
		t.Errorf("%d lines within an hour", told)
	}
	told = 0
	for tenth := range int64(36_000) { // each in other words
		if one.worth("port "+strconv.FormatInt(tenth, 10), 3_601_000_000+tenth*100_000) {
			told++
		}
	}
	if told < 360 || told > 360+talkBudget {
		t.Errorf("%d lines within an hour of different words", told)
	}
	var all talks
	if !all.worth("10.0.0.1:5", "x", 1) || all.worth("10.0.0.1:6", "x", 2) || !all.worth("10.0.0.2:5", "x", 3) {
		t.Error("hosts are not told apart by their address alone")
	}
	for i := range 10_000 {
		all.worth(strconv.Itoa(i)+":1", "x", 4)
	}
	if len(all.hosts) > talkHosts {
		t.Errorf("%d hosts are remembered", len(all.hosts))
	}
}
