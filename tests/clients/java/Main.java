import java.sql.*;
import java.util.Properties;

/** PostgreSQL JDBC: server-side prepared statements from the second execution, a cursor, a rolled-back change. */
public class Main {
    static void actingAs(Connection db, String agent, String contact) throws SQLException {
        try (PreparedStatement tell = db.prepareStatement(
                "select set_config('quivive.agent', ?, false), set_config('quivive.contact', ?, false)")) {
            tell.setString(1, agent);
            tell.setString(2, contact);
            tell.executeQuery().close();
        }
    }

    public static void main(String[] args) throws Exception {
        Properties options = new Properties();
        options.setProperty("user", "app_user");
        options.setProperty("prepareThreshold", "2");
        String url = "jdbc:postgresql://" + args[0] + ":" + args[1] + "/" + args[2];
        try (Connection db = DriverManager.getConnection(url, options)) {
            actingAs(db, "java.agent", "A-1");
            try (PreparedStatement read = db.prepareStatement("select id, last_name from customer where id = ?")) {
                for (int key = 1; key <= 5; key++) {
                    read.setInt(1, key);
                    try (ResultSet rows = read.executeQuery()) {
                        while (rows.next()) System.out.println(rows.getLong(1) + " " + rows.getString(2));
                    }
                }
            }
            db.setAutoCommit(false);
            try (Statement cursor = db.createStatement()) {
                cursor.setFetchSize(7);
                try (ResultSet rows = cursor.executeQuery("select id, phone from customer where id between 10 and 29 order by id")) {
                    int count = 0;
                    while (rows.next()) count++;
                    System.out.println("cursor " + count);
                }
            }
            try (PreparedStatement change = db.prepareStatement("update customer set email = ? where id = ?")) {
                for (int key = 30; key <= 32; key++) {
                    change.setString(1, "x@example.invalid");
                    change.setInt(2, key);
                    change.addBatch();
                }
                System.out.println("batch " + change.executeBatch().length);
            }
            db.rollback();
            try (Statement wrong = db.createStatement()) {
                wrong.executeQuery("select nothing from customer");
            } catch (SQLException error) {
                System.out.println("error " + error.getSQLState());
            }
            db.rollback();
        }
    }
}
