#include "logger.h"

LOG_INLINE logging::Logger::Logger(std::string name,
                                   Sinks sinks)
    : name_(std::move(name)), sinks_(sinks) {}

LOG_INLINE Buffer<char>::~Buffer() {
    release(data_);
}

LOG_INLINE void Sink<Mutex>::write(const Record &record) {
    LOG_TRY {
        format(record, buffer_);
    }
    LOG_CATCH(std::exception)
}

LOG_EXPORT template <typename Char>
void print(std::basic_ostream<Char> &stream, string_view<Char> text) {
    stream << text;
}

extern template LOG_API void print<char>(std::ostream &, string_view<char>);

template <typename Char> auto equal(const Char *left, const char *right) -> bool {
    return left[0] == Char(right[0]);
}

class LOG_EXPORT LOG_NO_COPY
    FormatString final : private View {
public:
    template <typename S,
              LOG_ENABLE_IF(!std::is_same<const S &, View>::value)>
    LOG_CONSTEVAL LOG_INLINE FormatString(const S &text) : text_(text) {
        check(text);
    }

    LOG_DEPRECATED operator View() const { return text_; }

    template <typename R>
    operator Action<R(int)>() const {
        return Action<R(int)>(text_);
    }

    void flush() override {};

    bool full() const
        LOG_GTEST_LOCKED_(mutex_) {
        return size_ == 0;
    }

private:
    View text_;
};

template <>
class LOG_API Matcher<const std::string &>
    : public MatcherBase<const std::string &> {
public:
    Matcher() {}
};
