package cache

import kotlin.collections.*

/** How long things live. */
const val TTL = 60

/**
 * Remembers values.
 */
class Cache<K, V>(private val size: Int) : Store<K, V> {
    private val items = mutableMapOf<K, V>()

    init {
        require(size > 0)
    }

    constructor() : this(10) {
        println("default")
    }

    /** What was stored. */
    @Deprecated("use find")
    override fun get(key: K): V? {
        return items[key]
    }

    val count: Int
        get() = items.size

    fun clear() = items.clear()

    companion object {
        fun empty(): Cache<String, String> {
            return Cache(1)
        }
    }

    inner class Entry {
        val used = 0
    }
}

interface Store<K, V> {
    fun get(key: K): V?

    fun has(key: K): Boolean {
        return get(key) != null
    }
}

data class Pair2(val a: Int, val b: Int)

enum class Level { LOW, HIGH }

object Registry {
    val caches = mutableListOf<Cache<*, *>>()

    fun register(cache: Cache<*, *>) {
        caches.add(cache)
    }
}

fun String.shout(): String = uppercase() + "!"

val doubled = { x: Int ->
    x * 2
}

class CacheTest {
    @Test
    fun `is empty at first`() {
        assertEquals(0, Cache<Int, Int>(1).count)
    }
}

enum class Eviction {
    OLDEST {
        override fun choose(entries: List<Entry>) =
            entries.minBy { it.used }
    },
    NEWEST;

    open fun choose(entries: List<Entry>): Entry = entries.last()
}

context(clock: Clock)
fun Entry.touch() {
    used = clock.now()
}
