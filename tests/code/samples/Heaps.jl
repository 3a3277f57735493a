module Heaps

export push!, pop!

"""
A heap of numbers.
"""
struct Heap{T}
    items::Vector{T}

    function Heap{T}() where {T}
        new{T}(Vector{T}())
    end
end

# Adds one item.
function push!(heap::Heap, item)
    append!(heap.items, item)
    sort!(heap.items)
    return heap
end

Base.length(heap::Heap) = length(heap.items)

function Base.show(io::IO, heap::Heap)
    print(io, "Heap of ")
    print(io, length(heap))
end

macro twice(expression)
    quote
        $(esc(expression))
        $(esc(expression))
    end
end

const double = x -> begin
    2 * x
end

area(r) = pi * r^2

end

@inline parent(i) = i ÷ 2
@inline left(i) = 2i

for T in (Int, Float64)
    @eval function zero_of(::Type{$T})
        return zero($T)
    end
end
