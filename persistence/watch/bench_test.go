package watch

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/troupekeeper/troupe/messages"
)

func nobody(messages.ConnID, messages.EventType, string) {}

func BenchmarkTriggerWithoutWatches(b *testing.B) {
	w := New()
	b.ReportAllocs()
	for b.Loop() {
		w.Trigger(created, "/bench/n0000001", nobody)
	}
}

func BenchmarkTriggerElsewhere(b *testing.B) {
	w := New()
	w.AddPersistent(1, "/other", true)
	w.AddData(1, "/another")
	b.ReportAllocs()
	for b.Loop() {
		w.Trigger(created, "/bench/n0000001", nobody)
	}
}

// BenchmarkHerd has 1000 connections that set their watch again after each event.
func BenchmarkHerd(b *testing.B) {
	w := New()
	b.ReportAllocs()
	for b.Loop() {
		for c := range messages.ConnID(1000) {
			w.AddData(c, "/lock")
		}
		w.Trigger(changed, "/lock", nobody)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/watch")
}

func BenchmarkTrigger1000Persistent(b *testing.B) {
	w := New()
	for c := range messages.ConnID(1000) {
		w.AddPersistent(c, "/config", false)
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Trigger(changed, "/config", nobody)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/watch")
}

func BenchmarkMemoryPerWatch(b *testing.B) {
	const conns, each = 1000, 200
	paths := make([]string, each)
	for i := range paths {
		paths[i] = fmt.Sprintf("/config/n%07d", i)
	}
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		w := New()
		for _, p := range paths {
			for c := range messages.ConnID(conns) {
				w.AddData(c, p)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/conns/each, "B/watch")
		runtime.KeepAlive(w)
	}
}
