package plain;

import interop.Suite;

/** Runs the java suite: ZooKeeper's own client library against the server. */
public final class Main {
    private Main() {}

    public static void main(String[] words) throws Exception {
        Suite suite = new Suite("java");
        Nodes.register(suite);
        Errors.register(suite);
        Multi.register(suite);
        Pipelining.register(suite);
        Watches.register(suite);
        PersistentWatches.register(suite);
        Reconnects.register(suite);
        Sessions.register(suite);
        Acls.register(suite);
        Recipes.register(suite);
        Systems.register(suite);
        suite.runAndExit(6, words);
    }
}
