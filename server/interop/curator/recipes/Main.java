package recipes;

import interop.Suite;

/** Runs the curator suite. */
public final class Main {
    private Main() {}

    public static void main(String[] words) throws Exception {
        Suite suite = new Suite("curator");
        Framework.register(suite);
        Leaders.register(suite);
        Locks.register(suite);
        Counters.register(suite);
        Barriers.register(suite);
        Caches.register(suite);
        Nodes.register(suite);
        Queues.register(suite);
        Discovery.register(suite);
        ChaosTests.register(suite);
        suite.runAndExit(6, words);
    }
}
