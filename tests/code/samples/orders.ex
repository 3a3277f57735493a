defmodule Shop.Orders do
  @moduledoc "Orders of a shop."
  use GenServer

  # What all of it costs.
  @spec total(list()) :: integer()
  def total(items) do
    items
    |> Enum.map(& &1.price)
    |> Enum.sum()
  end

  def empty?([]), do: true
  def empty?(_), do: false

  defp discount(price, rate) when rate > 0 do
    price * (1 - rate)
  end

  defmacro trace(expression) do
    quote do
      IO.inspect(unquote(expression))
    end
  end

  defmodule Item do
    defstruct [:name, :price]

    def cheap?(%Item{price: price}) do
      limit = 10
      price < limit
    end
  end
end

defimpl String.Chars, for: Shop.Orders do
  def to_string(orders) do
    name = inspect(orders)
    "orders: " <> name
  end
end

defmodule Shop.OrdersTest do
  use ExUnit.Case

  describe "total/1" do
    test "adds prices" do
      items = [%{price: 1}, %{price: 2}]
      assert Shop.Orders.total(items) == 3
    end
  end
end

defimpl Inspect, for: Shop.Order do
  def inspect(order, _), do: order.number
end

defimpl Inspect, for: Shop.Item do
  def inspect(item, _), do: item.name
end
