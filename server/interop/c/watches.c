/* One-shot watches and their removal. */
#include "check.h"

static void data_and_exists(void)
{
	struct client *c = client_connect(NULL), *writer = client_connect(NULL);
	const char *path = at("n");
	char buffer[16];
	int length = sizeof buffer;
	struct Stat stat;
	RETURNS(ZNONODE, zoo_wexists(c->zh, path, client_watcher, c, &stat));
	make(writer, path, "0");
	expect_event(c, ZOO_CREATED_EVENT, path);
	OK(zoo_wget(c->zh, path, client_watcher, c, buffer, &length, &stat));
	OK(zoo_set(writer->zh, path, "1", 1, -1));
	OK(zoo_set(writer->zh, path, "2", 1, -1));
	expect_event(c, ZOO_CHANGED_EVENT, path);
	expect_no_event(c);
	OK(zoo_wexists(c->zh, path, client_watcher, c, &stat));
	OK(zoo_delete(writer->zh, path, -1));
	expect_event(c, ZOO_DELETED_EVENT, path);
	expect_no_event(c);
	client_close(writer);
	client_close(c);
}

static void children(void)
{
	struct client *c = client_connect(NULL), *writer = client_connect(NULL);
	struct String_vector names;
	OK(zoo_wget_children(c->zh, root, client_watcher, c, &names));
	deallocate_String_vector(&names);
	make(writer, at("kid"), "");
	expect_event(c, ZOO_CHILD_EVENT, root);
	OK(zoo_wget_children(c->zh, root, client_watcher, c, &names));
	CHECK(names.count == 1 && strcmp(names.data[0], "kid") == 0, "children");
	deallocate_String_vector(&names);
	OK(zoo_set(writer->zh, at("kid"), "x", 1, -1));
	expect_no_event(c);
	OK(zoo_delete(writer->zh, at("kid"), -1));
	expect_event(c, ZOO_CHILD_EVENT, root);
	client_close(writer);
	client_close(c);
}

static void ephemeral_of_a_closed_session(void)
{
	struct client *c = client_connect(NULL), *owner = client_connect(NULL);
	struct Stat stat;
	OK(zoo_create(owner->zh, at("e"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0));
	client_freshen(c);
	OK(zoo_wexists(c->zh, at("e"), client_watcher, c, &stat));
	client_close(owner);
	expect_event(c, ZOO_DELETED_EVENT, at("e"));
	client_close(c);
}

static void removal(void)
{
	struct client *c = client_connect(NULL), *writer = client_connect(NULL);
	char buffer[16];
	int length = sizeof buffer;
	struct Stat stat;
	OK(zoo_wget(c->zh, root, client_watcher, c, buffer, &length, &stat));
	OK(zoo_remove_watches(c->zh, root, ZWATCHTYPE_DATA, client_watcher, c, 0));
	RETURNS(ZNOWATCHER, zoo_remove_watches(c->zh, root, ZWATCHTYPE_DATA, client_watcher, c, 0));
	OK(zoo_set(writer->zh, root, "x", 1, -1));
	pthread_mutex_lock(&c->lock);
	for (int i = c->head; i < c->tail; i++)
		CHECK(c->events[i].type != ZOO_CHANGED_EVENT, "an event of a watch that was removed");
	c->head = c->tail;
	pthread_mutex_unlock(&c->lock);
	client_close(writer);
	client_close(c);
}

static void set_again_after_a_broken_connection(void)
{
	struct client *c = client_connect(NULL);
	char buffer[16];
	int length = sizeof buffer;
	struct Stat stat;
	struct String_vector names;
	make(c, at("data"), "");
	make(c, at("parent"), "");
	OK(zoo_wget(c->zh, at("data"), client_watcher, c, buffer, &length, &stat));
	RETURNS(ZNONODE, zoo_wexists(c->zh, at("later"), client_watcher, c, &stat));
	OK(zoo_wget_children(c->zh, at("parent"), client_watcher, c, &names));
	deallocate_String_vector(&names);
	client_break(c);
	client_await_connects(c, 2);
	expect_no_event(c);
	struct client *writer = client_connect(NULL);
	OK(zoo_set(writer->zh, at("data"), "x", 1, -1));
	make(writer, at("later"), "");
	make(writer, at("parent/kid"), "");
	expect_event(c, ZOO_CHANGED_EVENT, at("data"));
	expect_event(c, ZOO_CREATED_EVENT, at("later"));
	expect_event(c, ZOO_CHILD_EVENT, at("parent"));
	client_close(writer);
	client_close(c);
}

const struct test watch_tests[] = {
	{"watch_data_and_exists", data_and_exists, NULL},
	{"watch_children", children, NULL},
	{"watch_of_an_ephemeral", ephemeral_of_a_closed_session, NULL},
	{"watch_removal", removal, NULL},
	{"watch_set_again_after_a_broken_connection", set_again_after_a_broken_connection, NULL},
	{NULL, NULL, NULL},
};
