package recipes;

import interop.Check;
import interop.Scope;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryNTimes;

/** Makes Curator clients that end with their test. */
final class Curator {
    /** Between two and twenty ticks for any tick from 500 to 2000 ms, so the server takes it as it is. */
    static final int SESSION_MS = 8000;

    private Curator() {}

    static CuratorFramework connect(Scope scope) throws Exception {
        return connect(scope, Scope.server(), SESSION_MS);
    }

    static CuratorFramework connect(Scope scope, String address, int sessionMs) throws Exception {
        // Curator follows the membership of an ensemble: a client behind a proxy would soon go round it.
        CuratorFramework client = scope.own(CuratorFrameworkFactory.builder().ensembleTracker(address.equals(Scope.server()))
            .connectString(address).sessionTimeoutMs(sessionMs).connectionTimeoutMs(10_000).retryPolicy(new RetryNTimes(100, 100)).build());
        client.start();
        Check.that(client.blockUntilConnected((int) Check.WAIT_SECONDS, TimeUnit.SECONDS), "connected");
        return fresh(client);
    }

    /** The client, which now sees all that anybody was told to be done: its server may know it later than others. */
    static CuratorFramework fresh(CuratorFramework client) throws Exception {
        client.sync().forPath("/");
        return client;
    }

    /** A client that has made the root of the scope; all below it is deleted when the test ends. */
    static CuratorFramework withRoot(Scope scope) throws Exception {
        CuratorFramework client = connect(scope);
        client.create().forPath(scope.root, new byte[0]);
        scope.own(() -> {
            try (CuratorFramework sweeper = CuratorFrameworkFactory.newClient(Scope.server(), new RetryNTimes(3, 100))) {
                sweeper.start();
                sweeper.delete().deletingChildrenIfNeeded().forPath(scope.root);
            }
        });
        return client;
    }
}
