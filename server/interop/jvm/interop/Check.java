package interop;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Assertions, polling with a deadline, and calls in the background. */
public final class Check {
    /** How long a test waits for something that must happen. */
    public static final long WAIT_SECONDS = 40;

    private Check() {}

    /** Fails unless the two are equal; arrays are compared by their elements. */
    public static void equal(Object got, Object want, String what) {
        if (!Objects.deepEquals(got, want)) {
            throw new AssertionError(what + ": got " + show(got) + ", want " + show(want));
        }
    }

    /** Fails unless the condition is true. */
    public static void that(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    /** Fails unless the call throws exactly this class (or a subclass); returns what it threw. */
    public static <T extends Throwable> T raises(Class<T> kind, Callable<?> call) {
        Object value;
        try {
            value = call.call();
        } catch (Throwable thrown) {
            if (kind.isInstance(thrown)) {
                return kind.cast(thrown);
            }
            throw new AssertionError("threw " + thrown + ", want " + kind.getSimpleName(), thrown);
        }
        throw new AssertionError("returned " + show(value) + ", want " + kind.getSimpleName());
    }

    /** Polls until the condition is true, and fails when that takes too long. */
    public static void eventually(Callable<Boolean> condition, String what) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + WAIT_SECONDS + " s: " + what);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    /** Runs a call that may block in a thread of its own. */
    public static <T> CompletableFuture<T> spawn(Callable<T> call) {
        CompletableFuture<T> future = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                future.complete(call.call());
            } catch (Throwable thrown) {
                future.completeExceptionally(thrown);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return future;
    }

    /** Waits for a future, for as long as a test may wait. */
    public static <T> T await(CompletableFuture<T> future) throws Exception {
        return future.get(WAIT_SECONDS, TimeUnit.SECONDS);
    }

    private static String show(Object value) {
        if (value instanceof byte[] bytes) {
            return bytes.length > 80 ? bytes.length + " bytes" : Arrays.toString(bytes);
        }
        return value instanceof Object[] list ? Arrays.deepToString(list) : String.valueOf(value);
    }
}
