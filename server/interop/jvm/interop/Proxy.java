package interop;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** A TCP proxy on the loopback interface that can break connections, to see how clients and the server survive it. */
public final class Proxy implements Closeable {
    private final String host;
    private final int port;
    private final ServerSocket listener;
    private final List<Socket> open = new ArrayList<>();
    private boolean refusing;
    private boolean holding;

    public Proxy(String target) throws IOException {
        int colon = target.lastIndexOf(':');
        host = target.substring(0, colon);
        port = Integer.parseInt(target.substring(colon + 1));
        listener = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        background(this::accept);
    }

    /** Where clients connect to, as host:port. */
    public String address() {
        return "127.0.0.1:" + listener.getLocalPort();
    }

    /** Breaks all open connections, without a word to either side; new ones are welcome. */
    public synchronized void drop() {
        open.forEach(Proxy::shut);
        open.clear();
        release();
    }

    /** Breaks all open connections and every new one, until {@link #allow}. */
    public synchronized void refuse() {
        refusing = true;
        drop();
    }

    /** Ends {@link #refuse}. */
    public synchronized void allow() {
        refusing = false;
    }

    /** Keeps back all bytes of both sides until {@link #release}, drop or refuse. */
    public synchronized void hold() {
        holding = true;
    }

    /** Ends {@link #hold}: what was kept back goes on its way. */
    public synchronized void release() {
        holding = false;
        notifyAll();
    }

    @Override
    public void close() throws IOException {
        refuse();
        listener.close();
    }

    private void accept() throws IOException {
        while (true) {
            Socket client = listener.accept();
            Socket server;
            try {
                server = new Socket(host, port);
            } catch (IOException down) {
                shut(client);
                continue;
            }
            client.setTcpNoDelay(true);
            server.setTcpNoDelay(true);
            synchronized (this) {
                if (refusing) {
                    shut(client);
                    shut(server);
                    continue;
                }
                open.add(client);
                open.add(server);
            }
            background(() -> pump(client, server));
            background(() -> pump(server, client));
        }
    }

    private void pump(Socket from, Socket to) throws IOException, InterruptedException {
        byte[] chunk = new byte[65536];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
                waitWhileHolding();
                out.write(chunk, 0, count);
            }
        } finally {
            shut(from);
            shut(to);
        }
    }

    private synchronized void waitWhileHolding() throws InterruptedException {
        while (holding) {
            wait();
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    private static void background(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (Exception ended) {
                // A broken connection is what this class is for.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static void shut(Socket socket) {
        try {
            socket.close();
        } catch (IOException ignored) {
            // It is closed, which is all we want.
        }
    }
}
