/* Nodes, versions, errors, pipelines and ACLs. */
#include "check.h"

static void life_of_a_node(void)
{
	struct client *c = client_connect(NULL);
	const char *path = at("n");
	char buffer[64], created[PATH_SIZE];
	int length = sizeof buffer;
	struct Stat stat, other;
	OK(zoo_create2(c->zh, path, "abc", 3, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, created, sizeof created, &stat));
	CHECK(strcmp(created, path) == 0, "created %s", created);
	OK(zoo_exists(c->zh, path, 0, &other));
	CHECK(same_stat(&stat, &other), "create2 and exists tell different stats");
	CHECK(stat.czxid == stat.mzxid && stat.version == 0 && stat.dataLength == 3 && stat.ephemeralOwner == 0, "stat after creation");
	OK(zoo_get(c->zh, path, 0, buffer, &length, &other));
	CHECK(length == 3 && memcmp(buffer, "abc", 3) == 0, "data");
	OK(zoo_set2(c->zh, path, "hello", 5, 0, &stat));
	CHECK(stat.version == 1 && stat.dataLength == 5 && stat.mzxid > stat.czxid, "stat after set");
	RETURNS(ZBADVERSION, zoo_set(c->zh, path, "x", 1, 0));
	RETURNS(ZBADVERSION, zoo_delete(c->zh, path, 0));
	OK(zoo_delete(c->zh, path, 1));
	RETURNS(ZNONODE, zoo_exists(c->zh, path, 0, &stat));
	client_close(c);
}

static void null_and_large_data(void)
{
	struct client *c = client_connect(NULL);
	static char large[900000], got[1000000];
	int length = sizeof got;
	struct Stat stat;
	OK(zoo_create(c->zh, at("null"), NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0));
	OK(zoo_get(c->zh, at("null"), 0, got, &length, &stat));
	CHECK(length == -1 && stat.dataLength == 0, "null data has length %d", length);
	length = sizeof got;
	OK(zoo_create(c->zh, at("empty"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0));
	OK(zoo_get(c->zh, at("empty"), 0, got, &length, &stat));
	CHECK(length == 0, "empty data has length %d", length);
	memset(large, 'x', sizeof large);
	length = sizeof got;
	OK(zoo_create(c->zh, at("large"), large, sizeof large, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0));
	OK(zoo_get(c->zh, at("large"), 0, got, &length, &stat));
	CHECK(length == (int)sizeof large && memcmp(got, large, sizeof large) == 0, "large data");
	client_close(c);
}

static void modes(void)
{
	struct client *c = client_connect(NULL);
	char name[PATH_SIZE];
	struct Stat stat;
	OK(zoo_create(c->zh, at("s-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL, name, sizeof name));
	CHECK(strcmp(name, at("s-0000000000")) == 0, "sequential name %s", name);
	OK(zoo_create(c->zh, at("e"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, name, sizeof name));
	OK(zoo_exists(c->zh, at("e"), 0, &stat));
	CHECK(stat.ephemeralOwner == zoo_client_id(c->zh)->client_id, "owner");
	OK(zoo_create(c->zh, at("t-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL, name, sizeof name));
	CHECK(strcmp(name, at("t-0000000002")) == 0, "sequential name %s", name);
	OK(zoo_create(c->zh, at("c"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_CONTAINER, name, sizeof name));
	RETURNS(ZNOCHILDRENFOREPHEMERALS, zoo_create(c->zh, at("e/kid"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
	client_close(c);
}

static void ttl(void)
{
	struct client *c = client_connect(NULL);
	char name[PATH_SIZE];
	struct Stat stat;
	OK(zoo_create2_ttl(c->zh, at("t"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 600000, name, sizeof name, &stat));
	CHECK(stat.ephemeralOwner == 0, "owner of a TTL node is %ld", (long)stat.ephemeralOwner);
	OK(zoo_create_ttl(c->zh, at("s-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 600000, name, sizeof name));
	CHECK(strcmp(name, at("s-0000000001")) == 0, "sequential name %s", name);
	client_close(c);
}

static void errors(void)
{
	struct client *c = client_connect(NULL);
	struct ACL nobody = {ZOO_PERM_ALL, {"world", "nobody"}};
	struct ACL_vector bad = {1, &nobody};
	struct String_vector children;
	make(c, at("p"), "");
	make(c, at("p/kid"), "");
	RETURNS(ZNODEEXISTS, zoo_create(c->zh, at("p"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
	RETURNS(ZNONODE, zoo_create(c->zh, at("x/y"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
	RETURNS(ZINVALIDACL, zoo_create(c->zh, at("a"), "", 0, &bad, 0, NULL, 0));
	RETURNS(ZINVALIDACL, zoo_create(c->zh, at("a"), "", 0, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0));
	RETURNS(ZNOTEMPTY, zoo_delete(c->zh, at("p"), -1));
	RETURNS(ZNONODE, zoo_get_children(c->zh, at("x"), 0, &children));
	RETURNS(ZNONODE, zoo_set(c->zh, at("x"), "", 0, -1));
	RETURNS(ZBADARGUMENTS, zoo_delete(c->zh, "/zookeeper", -1));
	/* A server where reconfiguration is off (the default) says so; one that is on, but alone, can't do it. */
	int refusal = zoo_reconfig(c->zh, "server.9=127.0.0.1:2888:3888;2181", NULL, NULL, -1, NULL, &(int){0}, NULL);
	CHECK(refusal == ZRECONFIGDISABLED || refusal == ZUNIMPLEMENTED, "reconfig returned %d", refusal);
	client_close(c);
}

static void children_of(void)
{
	struct client *c = client_connect(NULL);
	struct String_vector names;
	struct Stat stat;
	for (int i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		make(c, at(name), "");
	}
	OK(zoo_get_children2(c->zh, root, 0, &names, &stat));
	CHECK(names.count == 20 && stat.numChildren == 20 && stat.cversion == 20, "%d names, %d children, cversion %d", names.count, stat.numChildren, stat.cversion);
	deallocate_String_vector(&names);
	client_close(c);
}

struct pipeline {
	struct client *c;
	int answered;
	int order_broken;
	int bad_codes;
};

struct step {
	struct pipeline *of;
	int number;
	int want;
};

static void answered(struct step *step, int rc)
{
	if (rc != step->want)
		step->of->bad_codes++;
	if (step->number != step->of->answered)
		step->of->order_broken++;
	count_up(step->of->c, &step->of->answered);
}

static void string_done(int rc, const char *value, const void *data) { answered((struct step *)data, rc); }
static void stat_done(int rc, const struct Stat *stat, const void *data) { answered((struct step *)data, rc); }
static void void_done(int rc, const void *data) { answered((struct step *)data, rc); }
static void data_done(int rc, const char *value, int length, const struct Stat *stat, const void *data) { answered((struct step *)data, rc); }

static void pipelined(void)
{
	enum { COUNT = 2000 };
	struct client *c = client_connect(NULL);
	struct pipeline line = {c, 0, 0, 0};
	static struct step steps[COUNT];
	for (int i = 0; i < COUNT; i++) {
		char name[16];
		struct step *step = &steps[i];
		snprintf(name, sizeof name, "n%d", i / 5);
		*step = (struct step){&line, i, ZOK};
		switch (i % 5) {
		case 0:
			OK(zoo_acreate(c->zh, at(name), "v", 1, &ZOO_OPEN_ACL_UNSAFE, 0, string_done, step));
			break;
		case 1:
			OK(zoo_aset(c->zh, at(name), "w", 1, 0, stat_done, step));
			break;
		case 2:
			OK(zoo_aget(c->zh, at(name), 0, data_done, step));
			break;
		case 3:
			OK(zoo_adelete(c->zh, at(name), 1, void_done, step));
			break;
		default:
			step->want = ZNONODE;
			OK(zoo_aexists(c->zh, at(name), 0, stat_done, step));
		}
	}
	await_count(c, &line.answered, COUNT);
	CHECK(line.order_broken == 0, "%d answers out of order", line.order_broken);
	CHECK(line.bad_codes == 0, "%d answers with an unexpected code", line.bad_codes);
	client_close(c);
}

static void auth_done(int rc, const void *data)
{
	struct client *c = ((void **)data)[0];
	CHECK(rc == ZOK, "add_auth returned %d", rc);
	count_up(c, ((void **)data)[1]);
}

static void add_auth(struct client *c, const char *text)
{
	int done = 0;
	void *data[] = {c, &done};
	OK(zoo_add_auth(c->zh, "digest", text, (int)strlen(text), auth_done, data));
	await_count(c, &done, 1);
}

static void acls(void)
{
	struct client *owner = client_connect(NULL), *stranger = client_connect(NULL);
	char buffer[16];
	int length = sizeof buffer;
	struct Stat stat;
	struct ACL_vector stored;
	add_auth(owner, "amy:pw");
	OK(zoo_create(owner->zh, at("a"), "v", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0));
	OK(zoo_get_acl(owner->zh, at("a"), &stored, &stat));
	CHECK(stored.count == 1 && strcmp(stored.data[0].id.scheme, "digest") == 0 && strncmp(stored.data[0].id.id, "amy:", 4) == 0, "stored ACL");
	client_freshen(stranger);
	RETURNS(ZNOAUTH, zoo_get(stranger->zh, at("a"), 0, buffer, &length, &stat));
	RETURNS(ZNOAUTH, zoo_set(stranger->zh, at("a"), "x", 1, -1));
	RETURNS(ZNOAUTH, zoo_create(stranger->zh, at("a/kid"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0));
	add_auth(stranger, "amy:wrong");
	RETURNS(ZNOAUTH, zoo_set(stranger->zh, at("a"), "x", 1, -1));
	add_auth(stranger, "amy:pw");
	OK(zoo_set(stranger->zh, at("a"), "x", 1, -1));
	RETURNS(ZBADVERSION, zoo_set_acl(owner->zh, at("a"), 5, &ZOO_READ_ACL_UNSAFE));
	OK(zoo_set_acl(owner->zh, at("a"), 0, &ZOO_READ_ACL_UNSAFE));
	RETURNS(ZNOAUTH, zoo_set(owner->zh, at("a"), "x", 1, -1));
	deallocate_ACL_vector(&stored);
	client_close(stranger);
	client_close(owner);
}

static void super_user(void)
{
	struct client *owner = client_connect(NULL), *boss = client_connect(NULL);
	add_auth(owner, "amy:pw");
	OK(zoo_create(owner->zh, at("a"), "v", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0));
	RETURNS(ZNOAUTH, zoo_set(boss->zh, at("a"), "x", 1, -1));
	add_auth(boss, "super:secret");
	OK(zoo_set(boss->zh, at("a"), "x", 1, -1));
	client_close(boss);
	client_close(owner);
}

static void many_clients(void)
{
	struct client *clients[20];
	for (int i = 0; i < 20; i++)
		clients[i] = client_connect(NULL);
	for (int i = 0; i < 20; i++)
		for (int j = 0; j < i; j++)
			CHECK(zoo_client_id(clients[i]->zh)->client_id != zoo_client_id(clients[j]->zh)->client_id, "two sessions with one id");
	for (int i = 0; i < 20; i++)
		client_close(clients[i]);
}

const struct test node_tests[] = {
	{"life_of_a_node", life_of_a_node, NULL},
	{"null_and_large_data", null_and_large_data, NULL},
	{"modes", modes, NULL},
	{"ttl_modes", ttl, "ttl"},
	{"errors", errors, NULL},
	{"children", children_of, NULL},
	{"pipelined", pipelined, NULL},
	{"acls", acls, NULL},
	{"super_user", super_user, "super"},
	{"many_clients", many_clients, NULL},
	{NULL, NULL, NULL},
};
