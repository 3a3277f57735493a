package platform

@OptIn(UnsafeNumber::class)
actual open class Checksum
internal actual constructor(
    internal val table: IntArray,
) : Comparable<Checksum> {
    private var final = false

    actual fun update(content: ByteArray) {
        final = true
        by.write(content)
    }

    actual fun reset() {
        in_ = 1
        override(0)
    }
}

operator fun <
    M : Message<M>,
    T : Any,
> Builder.set(extension: Extension<M, T>, value: T) {
    setExtension(extension, value)
}
