// Package stages has the stages that come with Troupe: a limit on the rate of requests by tenant, the audit log, and the
// change feed. They stand in the pipeline by the same door as anybody's own, and are off until the key stages names them.
package stages
