//! Tables: request lines, ranges, ids.
