package bank;

import java.util.List;

/**
 * Money of one person.
 *
 * @author nobody
 */
@Entity
public class Account implements Comparable<Account> {
    private static final int LIMIT = 10;
    private long balance;

    /** Opens an account. */
    public Account(long balance) {
        this.balance = balance;
    }

    // Takes money out.
    @Override
    public long withdraw(long amount) {
        if (amount > balance) {
            throw new IllegalStateException("too much");
        }
        return balance -= amount;
    }

    static final Comparator<Account> BY_BALANCE = (a, b) -> {
        return Long.compare(a.balance, b.balance);
    };

    interface Listener {
        void changed(Account account);

        default void closed() {
            System.out.println("closed");
        }
    }

    enum State { OPEN, CLOSED }

    static {
        System.loadLibrary("bank");
    }

    @Test
    void withdrawsAll() {
        assertEquals(0, new Account(5).withdraw(5));
    }
}

record Point(int x, int y) {
    Point {
        if (x < 0) throw new IllegalArgumentException();
    }

    double length() { return Math.sqrt(x * x + y * y); }
}

@interface Entity {
    String name() default "";
}
