model M {
	output "日本語" = 3 § 4 // 日本語
	output	y = x |> "é" §
}
