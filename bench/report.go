package main

func writeReport(files []string, folder string) error { _, err := readResults(files); return err }
