package interop;

import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/** What one test owns: a path that nobody else uses, and things that are closed in reverse order when the test ends. */
public final class Scope implements AutoCloseable {
    private static final SecureRandom RANDOM = new SecureRandom();

    /** A path directly below / that no other test and no earlier run has used. */
    public final String root = String.format("/jvm-%012x", RANDOM.nextLong() & 0xffffffffffffL);

    private final Deque<AutoCloseable> owned = new ArrayDeque<>();

    /** The connection string: the server under test, or all members of the ensemble. */
    public static String server() {
        return System.getenv().getOrDefault("INTEROP_SERVER", "127.0.0.1:2181");
    }

    /** One server, as host:port: in an ensemble a follower. */
    public static String member() {
        return System.getenv().getOrDefault("INTEROP_MEMBER", server());
    }

    /** Whether slow tests are left out. */
    public static boolean bounded() {
        return "1".equals(System.getenv("INTEROP_BOUNDED"));
    }

    /** Whether leaders are killed while tests run. */
    public static boolean chaos() {
        return "1".equals(System.getenv("INTEROP_CHAOS"));
    }

    /** How long a test of chaos works. */
    public static int chaosSeconds() {
        return Integer.parseInt(System.getenv().getOrDefault("INTEROP_CHAOS_SECONDS", bounded() ? "12" : "25"));
    }

    /** Features that the server under test does not have. */
    public static Set<String> lack() {
        return new HashSet<>(Arrays.asList(System.getenv().getOrDefault("INTEROP_LACK", "").split(",")));
    }

    /** Hands over a thing to be closed at the end of the test; returns it. */
    public synchronized <T extends AutoCloseable> T own(T thing) {
        owned.push(thing);
        return thing;
    }

    /** A proxy in front of one server that goes away with the test. */
    public Proxy proxy() throws java.io.IOException {
        return own(new Proxy(member()));
    }

    @Override
    public synchronized void close() {
        for (AutoCloseable thing : owned) {
            try {
                thing.close();
            } catch (Exception ignored) {
                // The test has said what it had to say; a client that was cut off may not close cleanly.
            }
        }
    }
}
