#include "check.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

char root[64];
const char *test_name = "";

void fail(const char *file, int line, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	printf("FAIL %s: %s:%d: ", test_name, strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line);
	vprintf(format, values);
	printf("\n");
	fflush(stdout);
	va_end(values);
	_exit(1);
}

static struct timespec deadline(void)
{
	struct timespec at;
	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += WAIT_SECONDS;
	return at;
}

static void record(struct client *c, int type, int state, const char *path)
{
	pthread_mutex_lock(&c->lock);
	if (type == ZOO_SESSION_EVENT) {
		c->state = state;
		if (state == ZOO_CONNECTED_STATE)
			c->connects++;
	} else {
		CHECK(c->tail < EVENTS_MAX, "more than %d events", EVENTS_MAX);
		c->events[c->tail].type = type;
		snprintf(c->events[c->tail].path, PATH_SIZE, "%s", path ? path : "");
		c->tail++;
	}
	pthread_cond_broadcast(&c->news);
	pthread_mutex_unlock(&c->lock);
}

static void session_watcher(zhandle_t *zh, int type, int state, const char *path, void *context)
{
	record(context, type, state, path);
}

void client_watcher(zhandle_t *zh, int type, int state, const char *path, void *context)
{
	/* Every watcher hears of the session too; the session's own watcher has recorded that. */
	if (type != ZOO_SESSION_EVENT)
		record(context, type, state, path);
}

static void synced(int rc, const char *value, const void *data)
{
	struct client *c = ((void **)data)[0];
	count_up(c, ((void **)data)[1]);
}

void client_freshen(struct client *c)
{
	int done = 0;
	void *data[] = {c, &done};
	OK(zoo_async(c->zh, "/", synced, data));
	await_count(c, &done, 1);
}

struct client *client_start(const clientid_t *id)
{
	struct client *c = calloc(1, sizeof *c);
	const char *server = getenv("INTEROP_SERVER");
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->news, NULL);
	c->zh = zookeeper_init(server ? server : "127.0.0.1:2181", session_watcher, SESSION_MS, id, c, 0);
	CHECK(c->zh, "zookeeper_init: %s", strerror(errno));
	return c;
}

struct client *client_connect(const clientid_t *id)
{
	struct client *c = client_start(id);
	client_await_connects(c, 1);
	if (!id)
		client_freshen(c);
	return c;
}

void client_close(struct client *c)
{
	zookeeper_close(c->zh);
	free(c);
}

void client_await(struct client *c, int state)
{
	struct timespec until = deadline();
	pthread_mutex_lock(&c->lock);
	while (c->state != state)
		CHECK(pthread_cond_timedwait(&c->news, &c->lock, &until) == 0, "the session state %d did not come; it is %d", state, c->state);
	pthread_mutex_unlock(&c->lock);
}

void client_await_connects(struct client *c, int count)
{
	await_count(c, &c->connects, count);
}

void await_count(struct client *c, const int *count, int want)
{
	struct timespec until = deadline();
	pthread_mutex_lock(&c->lock);
	while (*count < want)
		CHECK(pthread_cond_timedwait(&c->news, &c->lock, &until) == 0, "waited for %d, there are %d", want, *count);
	pthread_mutex_unlock(&c->lock);
}

void count_up(struct client *c, int *count)
{
	pthread_mutex_lock(&c->lock);
	(*count)++;
	pthread_cond_broadcast(&c->news);
	pthread_mutex_unlock(&c->lock);
}

void client_break(struct client *c)
{
	struct sockaddr_storage server, peer;
	socklen_t size = sizeof server;
	int broken = 0;
	CHECK(zookeeper_get_connected_host(c->zh, (struct sockaddr *)&server, &size), "the client is not connected");
	/* The library keeps its socket to itself, so look for the descriptors whose other end is the server. */
	for (int fd = 3; fd < 256; fd++) {
		socklen_t peer_size = sizeof peer;
		if (getpeername(fd, (struct sockaddr *)&peer, &peer_size) != 0 || peer.ss_family != AF_INET)
			continue;
		if (((struct sockaddr_in *)&peer)->sin_port == ((struct sockaddr_in *)&server)->sin_port)
			broken += shutdown(fd, SHUT_RDWR) == 0;
	}
	CHECK(broken > 0, "no connection found to break");
}

void expect_event(struct client *c, int type, const char *path)
{
	struct timespec until = deadline();
	pthread_mutex_lock(&c->lock);
	while (c->head == c->tail)
		CHECK(pthread_cond_timedwait(&c->news, &c->lock, &until) == 0, "no event came, want type %d of %s", type, path);
	CHECK(c->events[c->head].type == type && strcmp(c->events[c->head].path, path) == 0, "event type %d of %s, want type %d of %s",
	      c->events[c->head].type, c->events[c->head].path, type, path);
	c->head++;
	pthread_mutex_unlock(&c->lock);
}

void expect_no_event(struct client *c)
{
	/* Events and completions come from one thread in the order of the wire. */
	client_freshen(c);
	pthread_mutex_lock(&c->lock);
	CHECK(c->head == c->tail, "unexpected event type %d of %s", c->events[c->head].type, c->events[c->head].path);
	pthread_mutex_unlock(&c->lock);
}

const char *at(const char *name)
{
	static char paths[16][PATH_SIZE];
	static int next;
	char *path = paths[next++ % 16];
	snprintf(path, PATH_SIZE, "%s/%s", root, name);
	return path;
}

void make(struct client *c, const char *path, const char *value)
{
	OK(zoo_create(c->zh, path, value, (int)strlen(value), &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0));
}

bool same_stat(const struct Stat *a, const struct Stat *b)
{
	return a->czxid == b->czxid && a->mzxid == b->mzxid && a->pzxid == b->pzxid && a->ctime == b->ctime && a->mtime == b->mtime &&
	       a->version == b->version && a->cversion == b->cversion && a->aversion == b->aversion && a->ephemeralOwner == b->ephemeralOwner &&
	       a->dataLength == b->dataLength && a->numChildren == b->numChildren;
}
