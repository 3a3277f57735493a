// Package orders keeps the orders of a small shop.
package orders

import (
	"errors"
	"fmt"
)

const limit = 100

var errEmpty = errors.New("no items")

// Order is what a customer asked for.
type Order struct {
	ID    int
	Items []Item
}

type (
	// Item is one line of an order.
	Item struct {
		Name  string
		Price int
	}

	ID int
)

// Pricer knows what an order costs.
type Pricer interface {
	Price(o *Order) (int, error)
}

// New makes an order
// of the given items.
func New(id int, items ...Item) *Order {
	return &Order{ID: id, Items: items}
}

// Total adds the prices up.
func (o *Order) Total() (int, error) {
	if len(o.Items) == 0 {
		return 0, errEmpty
	}
	sum := 0
	for _, item := range o.Items {
		sum += item.Price
	}
	return sum, nil
}

var discount = func(total int) int {
	return total * 9 / 10
}

type Stack[T any] struct{ items []T }

func (s *Stack[T]) Push(item T) { s.items = append(s.items, item) }

func TestTotal(t *testing.T) {
	o := New(1)
	if _, err := o.Total(); err == nil {
		t.Fatal("want an error")
	}
}

func ExampleNew() {
	fmt.Println(New(2).ID)
}

var handlers = map[string]func(){
	"a": func() {},
}

// Option changes an order.
type Option func(*Order)

func WithID(id int) Option {
	return func(o *Order) {
		o.ID = id
	}
}
