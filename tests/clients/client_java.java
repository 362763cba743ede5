// The main things in Java's sqlite-jdbc, as a Java program does them.

import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.sqlite.SQLiteConfig;

class Client {
    // JDBC has no working directory of its own: paths are absolute.
    private final Path file;
    private final Path big;
    private final Connection db;

    private Client(Path directory, Connection db) {
        this.file = directory.resolve("f");
        this.big = directory.resolve("big");
        this.db = db;
    }

    private static void expect(String what, Object got, Object expected) {
        if (!expected.equals(got)) {
            throw new AssertionError(what + ": expected " + expected + ", got " + got);
        }
    }

    private String content() throws Exception {
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }

    // The rows of a query, blobs as bytes.
    private List<List<Object>> rows(String sql, Object... arguments) throws SQLException {
        List<List<Object>> rows = new ArrayList<>();
        try (PreparedStatement query = db.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) query.setObject(i + 1, arguments[i]);
            try (ResultSet result = query.executeQuery()) {
                while (result.next()) {
                    List<Object> row = new ArrayList<>();
                    for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
                        Object value = result.getObject(i);
                        row.add(value instanceof byte[] blob
                                ? new String(blob, StandardCharsets.ISO_8859_1) : value);
                    }
                    rows.add(row);
                }
            }
        }
        return rows;
    }

    private void reads() throws Exception {
        String path = file.toString();
        expect("reads and finds",
                rows("SELECT mmap_get(?1, 0), mmap_slice(?1, 7, 12), mmap_find(?1, ?2)", path,
                        "o".getBytes()),
                List.of(List.of(72, "world", 4)));
        expect("rows", rows("SELECT byte FROM mmap(?) WHERE offset < 3", path),
                List.of(List.of(72), List.of(101), List.of(108)));
    }

    private void writes() throws Exception {
        String before = content();
        db.setAutoCommit(false);
        expect("patches with a blob", rows("SELECT mmap_patch(?, 0, ?)", file.toString(),
                new byte[] {(byte) 255, 0}), List.of(List.of(2)));
        expect("sees the change", rows("SELECT offset, old, new FROM mmap_changes"),
                List.of(List.of(0, "He", "\u00ff\u0000")));
        expect("nobody else does", content(), before);
        db.rollback();
        expect("rollback leaves the file", content(), before);
        try (PreparedStatement update = db.prepareStatement(
                "UPDATE mmap SET byte = ? WHERE file = ? AND offset = 0")) {
            update.setInt(1, 'J');
            update.setString(2, file.toString());
            expect("rows updated", update.executeUpdate(), 1);
        }
        db.commit();
        db.setAutoCommit(true);
        expect("commit changes it", content(), "Jello, world\n");
    }

    private void readsMuch() throws Exception {
        byte[] data = new byte[1 << 20];
        new Random(1).nextBytes(data);
        Files.write(big, data);
        try (PreparedStatement query = db.prepareStatement("SELECT mmap_slice(?, 4)")) {
            query.setString(1, big.toString());
            try (ResultSet result = query.executeQuery()) {
                byte[] slice = result.getBytes(1);
                expect("a large slice is bytes",
                        Arrays.equals(slice, Arrays.copyOfRange(data, 4, data.length)), true);
            }
        }
    }

    // The JVM has a handler of SIGBUS of its own, before ours and behind it.
    private void survivesACut() throws Exception {
        Files.write(big, new byte[1 << 20]);
        try (FileChannel channel = FileChannel.open(big, StandardOpenOption.READ,
                StandardOpenOption.WRITE);
                PreparedStatement query = db.prepareStatement("SELECT byte FROM mmap(?)")) {
            MappedByteBuffer own = channel.map(FileChannel.MapMode.READ_ONLY, 0, 1 << 20);
            query.setString(1, big.toString());
            try (ResultSet result = query.executeQuery()) {
                result.next();
                channel.truncate(5000);
                while (result.next()) continue;
                throw new AssertionError("a cut is no exception");
            } catch (SQLException error) {
                expect("the message of " + error, error.getMessage().contains("was cut"), true);
            }
            try {
                own.get(1 << 19);
                throw new AssertionError("a cut of the JVM's own mapping is no error");
            } catch (InternalError expected) {
                expect("reads on", rows("SELECT mmap_length(?)", big.toString()),
                        List.of(List.of(5000)));
            }
        }
    }

    private void fails() throws Exception {
        try {
            rows("SELECT mmap_get(?, 13)", file.toString());
        } catch (SQLException error) {
            String text = "mmap_get: offset 13 is outside '" + file + "' (13 bytes)";
            expect("the message of " + error, error.getMessage().contains(text), true);
            return;
        }
        throw new AssertionError("an error is no exception");
    }

    public static void main(String[] arguments) throws Exception {
        Path directory = Files.createTempDirectory("client_java").toRealPath();
        SQLiteConfig config = new SQLiteConfig();
        config.enableLoadExtension(true);
        try (Connection db = config.createConnection("jdbc:sqlite::memory:")) {
            try (Statement load = db.createStatement()) {
                load.execute("SELECT load_extension('" + arguments[0] + "')");
            }
            Client client = new Client(directory, db);
            Files.writeString(client.file, "Hello, world\n");
            client.reads();
            client.writes();
            client.readsMuch();
            client.survivesACut();
            client.fails();
        } finally {
            for (String name : directory.toFile().list()) Files.delete(directory.resolve(name));
            Files.delete(directory);
        }
        System.out.println("ok");
    }
}
