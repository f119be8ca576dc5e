const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Whether a text is a token of HTTP (RFC 9110 §5.6.2), which methods and names of fields and cookies are. */
export const isToken = (text: string): boolean => token.test(text)
