"""Pictures as SVG: elements, the axis of time, where each span lies, and what is said of it."""
