// Matrices, small ones.
#pragma once
#include <vector>

namespace math {
namespace detail {
inline int clamp(int x) { return x < 0 ? 0 : x; }
}  // namespace detail

/// A matrix of numbers.
template <typename T>
class Matrix : public Base {
 public:
  Matrix(int rows, int cols) : rows_(rows), cols_(cols) {}
  ~Matrix() = default;

  /// One number.
  T& at(int row, int col) {
    return data_[row * cols_ + col];
  }

  Matrix operator+(const Matrix& other) const;
  bool operator==(const Matrix& other) const { return data_ == other.data_; }

 private:
  int rows_;
  int cols_;
  std::vector<T> data_;
};

struct Size {
  int rows = 0;
  int cols = 0;
};

template <typename T>
Matrix<T> Matrix<T>::operator+(const Matrix& other) const {
  Matrix sum(*this);
  return sum;
}

static auto twice = [](int x) {
  return 2 * x;
};

enum class Order { Row, Column };
}  // namespace math

int math::free_count(const std::string& text) {
  return static_cast<int>(text.size());
}

extern "C" {
int matrix_version(void) { return 1; }
}

TEST(MatrixTest, AddsUp) {
  EXPECT_EQ(1, 1);
}

class MATH_API Widget final : public QObject {
  Q_OBJECT

 public:
  void paint() override { update(); }
};

TEST_CASE("sizes are positive", "[size]") {
  REQUIRE(math::Size{}.rows >= 0);
}

#define FOREVER while (true)

/** Runs. */
int main(int argc, char** argv)
{
  return argc;
}
