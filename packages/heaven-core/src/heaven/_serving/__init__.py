"""From a registration to an answer: compiling an app, and the course of a request through it."""
