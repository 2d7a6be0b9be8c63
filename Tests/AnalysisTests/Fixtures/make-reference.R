# Computes reference-r.json, with R's own tests and intervals. Run once, with R 4.2.2 (Debian's r-base-core):
#
#     Rscript make-reference.R > reference-r.json
#
# R's wilcox.test is the only one of the references that has the Hodges-Lehmann interval too. It is exact for
# values without ties; samples are drawn until there are none.

set.seed(20240607, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")

number <- function(x) ifelse(is.finite(x), sprintf("%.17g", x), "null")
list_of <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")

untied <- function(draw, key) {
  repeat {
    x <- draw()
    if (!anyDuplicated(key(x)) && all(key(x) != 0)) return(x)
  }
}

# R widens an interval that cannot reach the confidence to all pairs and warns; here its bounds are infinite.
tested <- function(...) {
  reached <- TRUE
  test <- withCallingHandlers(
    wilcox.test(..., exact = TRUE, conf.int = TRUE),
    warning = function(w) { reached <<- FALSE; invokeRestart("muffleWarning") })
  if (!reached) test$conf.int[] <- NA
  test
}

record <- function(samples, test, confidence) {
  sprintf(
    '{%s, "confidence": %s, "statistic": %s, "pValue": %s, "estimate": %s, "lower": %s, "upper": %s}',
    samples, number(confidence), number(test$statistic), number(test$p.value), number(test$estimate),
    number(test$conf.int[1]), number(test$conf.int[2]))
}

paired <- c()
for (n in c(5:30, 40, 49)) for (confidence in c(0.95, 0.99)) {
  x <- untied(function() round(rnorm(n, 0.4), 4), abs)
  paired <- c(paired, record(
    sprintf('"differences": %s', list_of(x)), tested(x, conf.level = confidence), confidence))
}

sizes <- list(
  c(3, 3), c(4, 4), c(5, 5), c(6, 6), c(6, 9), c(8, 8), c(10, 5), c(12, 12), c(20, 20), c(24, 24), c(28, 28),
  c(4, 49))
unpaired <- c()
for (size in sizes) for (confidence in c(0.95, 0.99)) {
  pooled <- untied(function() round(rnorm(sum(size)), 4), identity)
  first <- pooled[1:size[1]]
  second <- pooled[-(1:size[1])]
  # R's shift is that of the first sample from the second.
  unpaired <- c(unpaired, record(
    sprintf('"first": %s, "second": %s', list_of(first), list_of(second)),
    tested(first, second, conf.level = confidence), confidence))
}

cat('{"paired": [\n', paste(paired, collapse = ",\n"), '\n],\n"unpaired": [\n', paste(unpaired, collapse = ",\n"),
    "\n]}\n", sep = "")
