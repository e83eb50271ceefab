// Package complaint paces what a program says of trouble that lasts: at once when it begins, then at growing intervals with how long it has
// lasted, and once when it is over. Brokers that are away for an hour are a dozen lines of a log and not ten thousand.
//
//	said after    0   1 min   3 min   7 min   15 min   25 min  ...
package complaint
