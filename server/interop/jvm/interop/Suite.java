package interop;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A small test runner for the suites written in Java. Tests run a few at a time, because most of them wait. Each gets a
 * {@link Scope} of its own. A test that overruns its time counts as failed and is left behind.
 */
public final class Suite {
    private static final long TEST_SECONDS_MAX = 120;

    /** The body of a test; whatever it throws is its failure. */
    @FunctionalInterface
    public interface Body {
        void run(Scope scope) throws Exception;
    }

    private record Entry(String name, Body body, boolean slow, List<String> needs) {}

    private final String name;
    private final List<Entry> entries = new ArrayList<>();
    private final AtomicInteger passed = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicInteger skipped = new AtomicInteger();

    public Suite(String name) {
        this.name = name;
    }

    /** Adds a test; {@code needs} names features of the server that it can't do without. */
    public void test(String testName, Body body, String... needs) {
        add(!Scope.chaos(), new Entry(testName, body, false, Arrays.asList(needs)));
    }

    /** Adds a test for a run in which leaders are killed, which runs no others. */
    public void chaos(String testName, Body body) {
        add(Scope.chaos(), new Entry(testName, body, false, List.of()));
    }

    private void add(boolean wanted, Entry entry) {
        if (wanted) {
            entries.add(entry);
        }
    }

    /** Adds a test that is left out of a bounded run. */
    public void slow(String testName, Body body, String... needs) {
        add(!Scope.chaos(), new Entry(testName, body, true, Arrays.asList(needs)));
    }

    /** Runs the tests whose names hold one of the words (all when there are none), prints the counts, ends the process. */
    public void runAndExit(int parallel, String... words) throws InterruptedException {
        ConcurrentLinkedQueue<Entry> queue = new ConcurrentLinkedQueue<>();
        for (Entry entry : entries) {
            if (words.length == 0 || Arrays.stream(words).anyMatch(entry.name::contains)) {
                queue.add(entry);
            }
        }
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < parallel; i++) {
            Thread worker = new Thread(() -> {
                for (Entry entry = queue.poll(); entry != null; entry = queue.poll()) {
                    judge(entry);
                }
            });
            worker.start();
            workers.add(worker);
        }
        for (Thread worker : workers) {
            worker.join();
        }
        System.out.printf("%s: %d passed, %d failed, %d skipped%n", name, passed.get(), failed.get(), skipped.get());
        System.out.flush();
        Runtime.getRuntime().halt(failed.get() > 0 || passed.get() == 0 ? 1 : 0);
    }

    private void judge(Entry entry) {
        String reason = reasonToSkip(entry);
        if (reason != null) {
            skipped.incrementAndGet();
            say("skip %s: %s", entry.name, reason);
            return;
        }
        long begun = System.nanoTime();
        FutureTask<Void> task = new FutureTask<>(() -> {
            try (Scope scope = new Scope()) {
                entry.body.run(scope);
            }
            return null;
        });
        Thread thread = new Thread(task, entry.name);
        thread.setDaemon(true);
        thread.start();
        try {
            task.get(TEST_SECONDS_MAX, TimeUnit.SECONDS);
            passed.incrementAndGet();
            say("ok %s (%.1f s)", entry.name, (System.nanoTime() - begun) / 1e9);
        } catch (ExecutionException failure) {
            failed.incrementAndGet();
            say("FAIL %s: after %.1f s: %s", entry.name, (System.nanoTime() - begun) / 1e9, text(failure.getCause()));
        } catch (TimeoutException hang) {
            failed.incrementAndGet();
            StringBuilder stack = new StringBuilder();
            for (StackTraceElement frame : thread.getStackTrace()) {
                stack.append("\n  at ").append(frame);
            }
            thread.interrupt();
            say("FAIL %s: still running after %d s%s", entry.name, TEST_SECONDS_MAX, stack);
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
        }
    }

    private static String reasonToSkip(Entry entry) {
        Set<String> lack = Scope.lack();
        for (String need : entry.needs) {
            if (lack.contains(need)) {
                return "the server lacks " + need;
            }
        }
        return entry.slow && Scope.bounded() ? "slow, and the run is bounded" : null;
    }

    private static synchronized void say(String format, Object... values) {
        System.out.printf(format + "%n", values);
        System.out.flush();
    }

    private static String text(Throwable failure) {
        StringWriter out = new StringWriter();
        failure.printStackTrace(new PrintWriter(out));
        String[] lines = out.toString().split("\n");
        return String.join("\n", Arrays.copyOf(lines, Math.min(lines.length, 12)));
    }
}
