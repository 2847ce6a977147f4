/* Parses a document with a namespace, an entity and two encodings of characters; then one that is not well-formed. */
#include <expat.h>
#include <stdio.h>
#include <string.h>

static const char document[] =
  "<?xml version='1.0'?><!DOCTYPE c [<!ENTITY who 'Bactrian'>]>"
  "<c:caravan xmlns:c='urn:camel'><c:camel humps='2'>&who; &#233;</c:camel><c:camel humps='1'/></c:caravan>";

static char text[100];
static int depth, deepest;

static void XMLCALL start(void *count, const XML_Char *name, const XML_Char **attributes) {
  if (++depth > deepest) deepest = depth;
  ++*(int *)count;
  for (; attributes[0]; attributes += 2) printf("%s %s=%s\n", name, attributes[0], attributes[1]);
}

static void XMLCALL end(void *count, const XML_Char *name) { (void)count, (void)name, --depth; }

static void XMLCALL characters(void *count, const XML_Char *part, int length) {
  (void)count;
  strncat(text, part, (size_t)length);
}

int main(void) {
  int count = 0;
  XML_Parser parser = XML_ParserCreateNS(NULL, '|');
  XML_SetUserData(parser, &count);
  XML_SetElementHandler(parser, start, end);
  XML_SetCharacterDataHandler(parser, characters);
  if (XML_Parse(parser, document, sizeof document - 1, 1) != XML_STATUS_OK) return 1;
  printf("%s: %d elements, %d deep, text `%s`\n", XML_ExpatVersion(), count, deepest, text);
  XML_ParserReset(parser, NULL);
  if (XML_Parse(parser, "<a>\n<b></a>", 11, 1) != XML_STATUS_ERROR) return 2;
  printf("line %lu: %s\n", (unsigned long)XML_GetCurrentLineNumber(parser), XML_ErrorString(XML_GetErrorCode(parser)));
  XML_ParserFree(parser);
  return 0;
}
