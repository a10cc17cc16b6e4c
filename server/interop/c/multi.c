/* Transactions. */
#include "check.h"

static void commits(void)
{
	struct client *c = client_connect(NULL);
	struct Stat stat, made;
	char sequential[PATH_SIZE], plain[PATH_SIZE];
	zoo_op_t ops[5];
	zoo_op_result_t results[5];
	zoo_create_op_init(&ops[0], at("a"), "v", 1, &ZOO_OPEN_ACL_UNSAFE, 0, plain, sizeof plain);
	zoo_set_op_init(&ops[1], at("a"), "w", 1, 0, &stat);
	zoo_check_op_init(&ops[2], at("a"), 1);
	zoo_create_op_init(&ops[3], at("s-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL, sequential, sizeof sequential);
	zoo_delete_op_init(&ops[4], at("a"), 1);
	OK(zoo_multi(c->zh, 5, ops, results));
	for (int i = 0; i < 5; i++)
		CHECK(results[i].err == ZOK, "result %d is %d", i, results[i].err);
	CHECK(strcmp(plain, at("a")) == 0, "created %s", plain);
	CHECK(strcmp(sequential, at("s-0000000001")) == 0, "created %s", sequential);
	OK(zoo_exists(c->zh, at("s-0000000001"), 0, &made));
	CHECK(stat.version == 1 && stat.mzxid == made.czxid, "one zxid for all");
	RETURNS(ZNONODE, zoo_exists(c->zh, at("a"), 0, &made));
	client_close(c);
}

static void fails_as_a_whole(void)
{
	struct client *c = client_connect(NULL);
	struct Stat stat;
	zoo_op_t ops[4];
	zoo_op_result_t results[4];
	zoo_create_op_init(&ops[0], at("a"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
	zoo_set_op_init(&ops[1], at("a"), "w", 1, 0, &stat);
	zoo_check_op_init(&ops[2], root, 7);
	zoo_delete_op_init(&ops[3], at("a"), -1);
	RETURNS(ZBADVERSION, zoo_multi(c->zh, 4, ops, results));
	int want[] = {ZOK, ZOK, ZBADVERSION, ZRUNTIMEINCONSISTENCY};
	for (int i = 0; i < 4; i++)
		CHECK(results[i].err == want[i], "result %d is %d, want %d", i, results[i].err, want[i]);
	RETURNS(ZNONODE, zoo_exists(c->zh, at("a"), 0, &stat));
	OK(zoo_exists(c->zh, root, 0, &stat));
	CHECK(stat.cversion == 0, "cversion of the parent is %d", stat.cversion);
	client_close(c);
}

struct pending {
	struct client *c;
	int *done;
	int rc;
};

static void multi_done(int rc, const void *data)
{
	struct pending *pending = (struct pending *)data;
	pending->rc = rc;
	count_up(pending->c, pending->done);
}

static void many_at_once(void)
{
	enum { COUNT = 100 };
	struct client *c = client_connect(NULL);
	static zoo_op_t ops[COUNT][2];
	static zoo_op_result_t results[COUNT][2];
	static struct Stat stats[COUNT];
	static struct pending pending[COUNT];
	int done = 0;
	/* Each transaction expects the version that the one before leaves, so all succeed only in order. */
	for (int i = 0; i < COUNT; i++) {
		zoo_check_op_init(&ops[i][0], root, i);
		zoo_set_op_init(&ops[i][1], root, "x", 1, i, &stats[i]);
		pending[i] = (struct pending){c, &done, -999};
		OK(zoo_amulti(c->zh, 2, ops[i], results[i], multi_done, &pending[i]));
	}
	await_count(c, &done, COUNT);
	for (int i = 0; i < COUNT; i++)
		CHECK(pending[i].rc == ZOK && stats[i].version == i + 1, "transaction %d: code %d, version %d", i, pending[i].rc, stats[i].version);
	client_close(c);
}

const struct test multi_tests[] = {
	{"multi_commits", commits, NULL},
	{"multi_fails_as_a_whole", fails_as_a_whole, NULL},
	{"multi_many_at_once", many_at_once, NULL},
	{NULL, NULL, NULL},
};
