/* Sessions: ephemerals, broken connections, re-attaching. */
#include "check.h"

static void ephemerals_go_with_the_session(void)
{
	struct client *owner = client_connect(NULL), *c = client_connect(NULL);
	struct String_vector names;
	struct Stat stat;
	for (int i = 0; i < 50; i++)
		OK(zoo_create(owner->zh, at("e-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL, NULL, 0));
	client_freshen(c);
	OK(zoo_get_children2(c->zh, root, 0, &names, &stat));
	CHECK(names.count == 50, "%d ephemerals", names.count);
	deallocate_String_vector(&names);
	client_close(owner);
	client_freshen(c);
	OK(zoo_get_children2(c->zh, root, 0, &names, &stat));
	CHECK(names.count == 0 && stat.cversion == 100, "%d ephemerals are left, cversion %d", names.count, stat.cversion);
	deallocate_String_vector(&names);
	client_close(c);
}

static void broken_connection(void)
{
	struct client *c = client_connect(NULL);
	int64_t session = zoo_client_id(c->zh)->client_id;
	struct Stat stat;
	OK(zoo_create(c->zh, at("e"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0));
	for (int round = 2; round < 5; round++) {
		client_break(c);
		client_await_connects(c, round);
		CHECK(zoo_client_id(c->zh)->client_id == session, "the session has changed");
		int rc;
		do
			rc = zoo_exists(c->zh, at("e"), 0, &stat);
		while (rc == ZCONNECTIONLOSS);
		OK(rc);
		CHECK(stat.ephemeralOwner == session, "owner");
	}
	client_close(c);
}

static void attach(void)
{
	struct client *first = client_connect(NULL);
	clientid_t id = *zoo_client_id(first->zh);
	struct Stat stat;
	OK(zoo_create(first->zh, at("e"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0));
	struct client *second = client_connect(&id);
	CHECK(zoo_client_id(second->zh)->client_id == id.client_id, "session");
	CHECK(memcmp(zoo_client_id(second->zh)->passwd, id.passwd, sizeof id.passwd) == 0, "password");
	CHECK(zoo_recv_timeout(second->zh) == SESSION_MS, "timeout %d", zoo_recv_timeout(second->zh));
	int rc;
	do /* the first client may take the session back for a moment, and another server may not know the node yet */
		rc = zoo_exists(second->zh, at("e"), 0, &stat);
	while (rc == ZCONNECTIONLOSS || rc == ZNONODE);
	OK(rc);
	CHECK(stat.ephemeralOwner == id.client_id, "owner");
}

static void attach_with_a_wrong_password(void)
{
	struct client *first = client_connect(NULL);
	clientid_t id = *zoo_client_id(first->zh);
	id.passwd[0] ^= 1;
	struct client *thief = client_start(&id);
	client_await(thief, ZOO_EXPIRED_SESSION_STATE);
	struct Stat stat;
	RETURNS(ZINVALIDSTATE, zoo_exists(thief->zh, root, 0, &stat));
	CHECK(is_unrecoverable(thief->zh) == ZINVALIDSTATE, "an expired handle");
	client_close(thief);
	client_await(first, ZOO_CONNECTED_STATE);
	client_close(first);
}

static void attach_to_a_closed_session(void)
{
	struct client *first = client_connect(NULL);
	clientid_t id = *zoo_client_id(first->zh);
	client_close(first);
	struct client *second = client_start(&id);
	client_await(second, ZOO_EXPIRED_SESSION_STATE);
	client_close(second);
}

const struct test session_tests[] = {
	{"ephemerals_go_with_the_session", ephemerals_go_with_the_session, NULL},
	{"session_broken_connection", broken_connection, NULL},
	{"session_attach", attach, NULL},
	{"session_attach_with_a_wrong_password", attach_with_a_wrong_password, NULL},
	{"session_attach_to_a_closed_one", attach_to_a_closed_session, NULL},
	{NULL, NULL, NULL},
};
