/* Runs the c suite. Each test runs in a process of its own, so a crash or a hang of one is its failure alone. */
#include "check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TEST_SECONDS_MAX = 90 };

static int passed, failed, skipped;

static void delete_all(zhandle_t *zh, const char *path)
{
	struct String_vector children;
	if (zoo_get_children(zh, path, 0, &children) != ZOK)
		return;
	for (int i = 0; i < children.count; i++) {
		char child[PATH_SIZE];
		snprintf(child, sizeof child, "%s/%s", path, children.data[i]);
		delete_all(zh, child);
	}
	deallocate_String_vector(&children);
	zoo_delete(zh, path, -1);
}

static void run_child(const struct test *test)
{
	unsigned char random[6];
	FILE *source = fopen("/dev/urandom", "r");
	CHECK(source && fread(random, 1, sizeof random, source) == sizeof random, "no random bytes");
	fclose(source);
	snprintf(root, sizeof root, "/c-%02x%02x%02x%02x%02x%02x", random[0], random[1], random[2], random[3], random[4], random[5]);
	test_name = test->name;
	alarm(TEST_SECONDS_MAX);
	zoo_set_debug_level(0);

	struct client *keeper = client_connect(NULL);
	make(keeper, root, "");
	test->run();
	delete_all(keeper->zh, root);
	client_close(keeper);
	_exit(0);
}

static void run(const struct test *test)
{
	const char *lack = getenv("INTEROP_LACK");
	if (test->need && lack && strstr(lack, test->need)) {
		printf("skip %s: the server lacks %s\n", test->name, test->need);
		skipped++;
		return;
	}
	struct timespec begun, ended;
	int status;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		run_child(test);
	if (child < 0 || waitpid(child, &status, 0) != child) {
		perror("interop: a test can't be started");
		exit(1);
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	if (status == 0) {
		double seconds = (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9;
		printf("ok %s (%.1f s)\n", test->name, seconds);
		passed++;
	} else {
		/* A test that fails by itself has told so. */
		if (!WIFEXITED(status))
			printf("FAIL %s: ended by signal %d%s\n", test->name, WTERMSIG(status), WTERMSIG(status) == SIGALRM ? ", it took too long" : "");
		failed++;
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const struct test *files[] = {node_tests, watch_tests, multi_tests, session_tests};
	for (size_t file = 0; file < sizeof files / sizeof *files; file++)
		for (const struct test *test = files[file]; test->name; test++)
			if (argc < 2 || strstr(test->name, argv[1]))
				run(test);
	printf("c: %d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed > 0 || passed == 0;
}
