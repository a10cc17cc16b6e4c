/* A small test runner, and helpers around ZooKeeper's C client. */
#ifndef INTEROP_CHECK_H
#define INTEROP_CHECK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zookeeper/zookeeper.h>

enum {
	PATH_SIZE = 512,
	EVENTS_MAX = 4096,
	WAIT_SECONDS = 40,
	/* Between two and twenty ticks for any tick from 500 to 2000 ms, so the server takes it as it is. */
	SESSION_MS = 8000,
};

/* A test: a function that is run in a process of its own, and the feature of the server that it needs, or NULL. */
struct test {
	const char *name;
	void (*run)(void);
	const char *need;
};

/* The tests of each file, ended by an entry without a name. */
extern const struct test node_tests[], watch_tests[], multi_tests[], session_tests[];

/* A path directly below / that no other test and no earlier run has used. */
extern char root[64];

/* The test that this process runs. */
extern const char *test_name;

/* Ends the test as failed unless the condition is true. */
#define CHECK(condition, ...)                                                                                          \
	do {                                                                                                               \
		if (!(condition))                                                                                              \
			fail(__FILE__, __LINE__, __VA_ARGS__);                                                                     \
	} while (0)

/* Ends the test as failed unless a call of the client returns this code. */
#define RETURNS(want, call)                                                                                            \
	do {                                                                                                               \
		int got_ = (call);                                                                                             \
		CHECK(got_ == (want), "%s returned %d (%s), want %d (%s)", #call, got_, zerror(got_), (int)(want), zerror(want)); \
	} while (0)

#define OK(call) RETURNS(ZOK, call)

void fail(const char *file, int line, const char *format, ...) __attribute__((noreturn, format(printf, 3, 4)));

/* A client and the events that it got. */
struct client {
	zhandle_t *zh;
	pthread_mutex_t lock;
	pthread_cond_t news;
	int state;                        /* newest session state */
	int connects;                     /* how often the state became connected */
	int head, tail;                   /* events not yet taken */
	struct {
		int type;
		char path[PATH_SIZE];
	} events[EVENTS_MAX];
};

/* A connected client; `id` attaches to an existing session, or is NULL. */
struct client *client_connect(const clientid_t *id);
/* The same without waiting for a connection. */
struct client *client_start(const clientid_t *id);
/* Lets the client see all that anybody was told to be done: its server may know it later than others. */
void client_freshen(struct client *c);
/* Closes the session and frees the client. */
void client_close(struct client *c);
/* Waits for a session state. */
void client_await(struct client *c, int state);
/* Breaks the TCP connection of the client under its feet. */
void client_break(struct client *c);
/* Waits until the client has connected at least so often. */
void client_await_connects(struct client *c, int count);
/* A watcher that records events; its context is the client. */
void client_watcher(zhandle_t *zh, int type, int state, const char *path, void *context);
/* Waits for the next event, which must be this one. */
void expect_event(struct client *c, int type, const char *path);
/* Fails if an event has come; a round trip before it sees to it that all are in. */
void expect_no_event(struct client *c);

/* The path `root/name`, in one of a few buffers that are used in turn. */
const char *at(const char *name);
/* Compares two stats field by field. */
bool same_stat(const struct Stat *a, const struct Stat *b);
/* Makes a persistent open node. */
void make(struct client *c, const char *path, const char *value);
/* Waits for a counter that callbacks raise under the client's lock. */
void await_count(struct client *c, const int *count, int want);
/* Raises a counter and tells who waits. */
void count_up(struct client *c, int *count);

#endif
