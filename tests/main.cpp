// main.cpp - the main function of the test program, for Catch2 version 3 or version 2.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>

int main(int count, char** arguments) { return Catch::Session().run(count, arguments); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
