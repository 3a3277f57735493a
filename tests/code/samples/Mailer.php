<?php

declare(strict_types=1);

namespace App\Mail;

use App\Models\User;

/**
 * Sends mail.
 */
final class Mailer implements Sender
{
    use Retries;

    private const LIMIT = 3;

    public function __construct(private string $host)
    {
        $this->open();
    }

    /**
     * Sends one message.
     *
     * @param User $user who gets it
     */
    #[Pure]
    public function send(User $user, string $text): bool
    {
        $retry = function () use ($user) {
            return $user->ping();
        };
        return $retry();
    }

    abstract protected function open(): void;
}

interface Sender
{
    public function send(User $user, string $text): bool;
}

trait Retries
{
    protected function again(int $times): void
    {
        while ($times-- > 0) {
            $this->once();
        }
    }
}

enum Level: string
{
    case Low = 'low';

    public function label(): string
    {
        return ucfirst($this->value);
    }
}

function helper(string $name): string
{
    return trim($name);
}

$double = fn (int $x): int => $x * 2;

$format = function (string $text) {
    return strtoupper($text);
};

class MailerTest extends TestCase
{
    public function testSends(): void
    {
        $this->assertTrue(true);
    }

    #[Test]
    public function refuses_nothing(): void
    {
        $this->assertFalse(false);
    }
}
?>
