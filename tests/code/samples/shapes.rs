//! Shapes and their areas.

use std::fmt;

/// Anything with an area.
pub trait Shape {
    /// In square units.
    fn area(&self) -> f64;

    /// Twice the area.
    fn double(&self) -> f64 {
        self.area() * 2.0
    }
}

#[derive(Debug, Clone)]
pub struct Circle {
    pub radius: f64,
}

pub struct Unit;

impl Circle {
    pub const UNIT: Circle = Circle { radius: 1.0 };

    /// Makes a circle.
    ///
    /// Panics where the radius is negative.
    #[must_use]
    pub fn new(radius: f64) -> Self {
        assert!(radius >= 0.0);
        Circle { radius }
    }
}

impl Shape for Circle {
    fn area(&self) -> f64 {
        std::f64::consts::PI * self.radius * self.radius
    }
}

impl<T: Shape> fmt::Display for Wrapper<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.area())
    }
}

pub mod sums {
    use super::Shape;

    pub fn total(shapes: &[&dyn Shape]) -> f64 {
        shapes.iter().map(|s| s.area()).sum()
    }
}

macro_rules! square {
    ($x:expr) => {
        $x * $x
    };
}

pub enum Colour {
    Red,
    Green,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_circle_is_pi() {
        assert!((Circle::UNIT.area() - 3.14159).abs() < 1e-3);
    }

    #[tokio::test]
    async fn waits() {
        tick().await;
    }
}

/// Squares.
static SQUARE: fn(f64) -> f64 = |x| {
    x * x
};
