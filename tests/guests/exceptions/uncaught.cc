// An exception that nobody catches ends the program. The handler on the way has the wrong type.

#include <cstdio>
#include <stdexcept>

void raise() { throw std::runtime_error("nobody wants it"); }

int main() {
    std::puts("before");
    std::fflush(stdout);
    try {
        raise();
    } catch (int) {
        std::puts("wrong");
    }
    std::puts("after");
}
