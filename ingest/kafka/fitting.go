package kafka

// Partitioners names all that Partitioner knows, the default first.
func Partitioners() []string { return []string{"murmur2", "crc32", "fnv1a"} }

// Place is a partition of a topic that has so many.
type Place struct{ Partition, Of int }

// Fitting names the partitioners that put a key in its place: those that a producer may have used which put it there. With n partitions one
// in n keys fits any of them by chance.
func Fitting(key []byte, in Place) (names []string) {
	for _, name := range Partitioners() {
		if partitionOf, err := Partitioner(name); err == nil && in.Of > 0 && partitionOf(key, in.Of) == in.Partition {
			names = append(names, name)
		}
	}
	return names
}
