using System;
using System.Linq;

namespace Shop.Cart
{
    /// <summary>What a customer is about to buy.</summary>
    [Serializable]
    public class Cart<T> : ICart where T : Item
    {
        private readonly List<T> items = new();

        public int Count { get; private set; }

        public decimal Total
        {
            get
            {
                return items.Sum(i => i.Price);
            }
        }

        /// <summary>
        /// Makes an empty cart for <paramref name="owner"/>.
        /// </summary>
        public Cart(string owner)
        {
            Owner = owner;
        }

        public void Add(T item)
        {
            items.Add(item);
            Count++;
        }

        public T this[int index] => items[index];

        public static Cart<T> operator +(Cart<T> a, Cart<T> b)
        {
            return a.Merge(b);
        }

        ~Cart()
        {
            Close();
        }
    }

    public interface ICart
    {
        int Count { get; }
        void Clear();
    }

    public enum State { Open, Paid }

    public record Price(decimal Amount, string Currency);

    public struct Size
    {
        public int Width;
    }

    public class CartTests
    {
        [Fact]
        public void AddsOne()
        {
            var cart = new Cart<Item>("me");
            Assert.Equal(0, cart.Count);
        }
    }
}
