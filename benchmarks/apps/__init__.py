"""One module a framework, each with the factories `small`, `hooked` and `many`, which take the codec's name."""
