package app.parsing

import scala.util.Try

/** What text is cut into. */
sealed trait Token {
  def text: String

  def length: Int = {
    text.length
  }
}

case class Word(text: String) extends Token

case object End extends Token {
  val text = ""
}

/**
 * Cuts text.
 */
class Parser(input: String) extends Logging {
  private var at = 0

  def this() = this("")

  /** The next token. */
  @tailrec
  final def next(): Token = {
    at += 1
    Word(input.take(at))
  }

  val twice = (x: Int) => {
    x * 2
  }

  def rest: String = input.drop(at)
}

object Parser {
  val Empty = new Parser("")

  def apply(text: String): Parser = new Parser(text)

  implicit class Rich(val text: String) extends AnyVal {
    def tokens: Int = text.split(" ").length
  }
}

class ParserSpec extends AnyFunSuite {
  test("takes a word") {
    assert(Parser("a").next() == Word("a"))
  }
}

class StackSpec extends AnyFlatSpec with Matchers {
  val stack = new Stack[Int]

  "A Stack" should "pop values" in {
    stack.pop() should be(1)
  }

  "An empty Stack" when {
    "popped" should {
      "throw" in {
        assertThrows[Exception](stack.pop())
      }
    }
  }
}
